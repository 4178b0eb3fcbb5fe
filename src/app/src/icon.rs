//! Signs, drawn as strokes on a grid of 24, so that kinds differ by shape as well as by colour.

use scale_sim::Kind;
use yew::prelude::*;

/// What a sign means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Sign {
    Client,
    Balancer,
    Service,
    Database,
    Shards,
    Queue,
    Topic,
    EventStore,
    View,
    Cache,
    Gateway,
    Play,
    Pause,
    Step,
    StepBack,
    Before,
    After,
    Reset,
    End,
    Settings,
    Check,
    Cross,
    Arrow,
    Back,
    Fork,
    Up,
    Down,
    Hint,
    Map,
    Again,
    Flag,
}

impl From<Kind> for Sign {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Client => Self::Client,
            Kind::Balancer => Self::Balancer,
            Kind::Service => Self::Service,
            Kind::Gateway => Self::Gateway,
            Kind::Cache => Self::Cache,
            Kind::Database => Self::Database,
            Kind::Shards => Self::Shards,
            Kind::Queue => Self::Queue,
            Kind::Topic => Self::Topic,
            Kind::EventStore => Self::EventStore,
            Kind::View => Self::View,
        }
    }
}

impl Sign {
    /// The strokes, as the `d` of a path.
    pub const fn strokes(self) -> &'static str {
        match self {
            Self::Client => {
                "M12 4a4 4 0 1 1 0 8a4 4 0 1 1 0-8zM4.5 20.5c.6-4 3.600-6 7.500-6s6.900 2 7.500 6"
            }
            Self::Balancer => {
                "M3 12h6M9 12l8-7h4M9 12h12M9 12l8 7h4M18.500 2.500L21 5l-2.500 2.500M18.500 9.500L21 12l-2.500 2.500M18.500 16.500L21 19l-2.500 2.500"
            }
            Self::Service => {
                "M5 4h14a1 1 0 0 1 1 1v5a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1zM5 13h14a1 1 0 0 1 1 1v5a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1v-5a1 1 0 0 1 1-1zM7.500 7.500h.01M7.500 16.500h.01M11 7.500h6M11 16.500h6"
            }
            Self::Database => {
                "M4 6c0-1.700 3.600-3 8-3s8 1.300 8 3s-3.600 3-8 3s-8-1.300-8-3zM4 6v12c0 1.700 3.600 3 8 3s8-1.300 8-3V6M4 12c0 1.700 3.600 3 8 3s8-1.300 8-3"
            }
            Self::Shards => "M12 3v10M5 13V8h14v5M3 13h4v7H3zM10 13h4v7h-4zM17 13h4v7h-4z",
            Self::Queue => "M2.500 8h13v8h-13zM7 8v8M11.500 8v8M17.500 12h4M19.500 10l2 2l-2 2",
            Self::Topic => {
                "M3 4.500h18v4H3zM3 10h18v4H3zM3 15.500h18v4H3zM8 4.500v4M14 4.500v4M11 10v4M6.500 15.500v4M16 15.500v4"
            }
            // A row of events, the last of them just put there.
            Self::EventStore => {
                "M3 9h4v6H3zM10 9h4v6h-4zM17 9h4v6h-4zM19 2.500v4M17 4.500l2 2l2-2M3 19h18"
            }
            // A table, and the arrow round to it.
            Self::View => {
                "M4 10h16v10H4zM4 15h16M10 10v10M4 6.500A9 9 0 0 1 18 5M18.500 1.500V5.500H14.500"
            }
            Self::Cache => "M13 2.500L5 13.500h6l-1.500 8L18.500 10h-6.500z",
            Self::Gateway => "M4 20V9a8 8 0 0 1 16 0v11M4 20h4V10a4 4 0 0 1 8 0v10h4M12 6v14",
            Self::Play => "M7 4.500v15l12.500-7.500z",
            Self::Pause => "M8 5v14M16 5v14",
            Self::Step => "M6 5v14l9-7zM18 5v14",
            Self::StepBack => "M18 5v14l-9-7zM6 5v14",
            Self::Before => "M15 5l-7 7l7 7",
            Self::After => "M9 5l7 7l-7 7",
            Self::Reset => "M4 4v5h5M4.600 9A8 8 0 1 1 4 13.500",
            Self::End => "M4 5v14l7-7zM12 5v14l7-7zM20.500 5v14",
            Self::Settings => "M4 7h9M17 7h3M4 17h3M11 17h9M15 5v4M9 15v4",
            Self::Check => "M4.500 12.500l5 5l10-11",
            Self::Cross => "M6 6l12 12M18 6L6 18",
            Self::Arrow => "M4 12h15M13 6l6 6l-6 6",
            Self::Fork => "M6 20V4M3 7l3-3l3 3M6 15c6 0 11-2 11-7V5M14 8l3-3l3 3",
            Self::Back => "M20 12H5M11 6l-6 6l6 6",
            Self::Up => "M12 19V6M6 11l6-6l6 6",
            Self::Down => "M12 5v13M6 13l6 6l6-6",
            Self::Hint => {
                "M9 18h6M10 21h4M12 3a6 6 0 0 0-3.500 10.900c.6.5 1 1.100 1 1.900v.2h5v-.2c0-.8.4-1.400 1-1.900A6 6 0 0 0 12 3z"
            }
            Self::Flag => "M6 21V4M6 4h12l-3 4.500l3 4.500H6",
            Self::Map => "M3 6l6-2l6 2l6-2v14l-6 2l-6-2l-6 2zM9 4v14M15 6v14",
            Self::Again => {
                "M20 11A8 8 0 0 0 5.500 7M4 4v4.500h4.500M4 13a8 8 0 0 0 14.500 4M20 20v-4.500h-4.500"
            }
        }
    }
}

/// A sign. It says nothing by itself to a screen reader: the words beside it do.
pub fn icon(sign: Sign) -> Html {
    html! {
        <svg class="icon" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false">
            <path d={sign.strokes()} />
        </svg>
    }
}
