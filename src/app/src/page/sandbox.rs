//! The way to the sandbox and the trust page, which are a Wasm of their own: the page says when they are to come and go. They are drawn beside
//! the page, in an element of `index.html`, for each of the two programs would take the other's events for its own.

use gloo::events::EventListener;
use yew::prelude::*;

use crate::browser;
use crate::store::Looks;

/// Properties of [`SandboxPage`].
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct Props {
    /// How the page looks: the sandbox follows it.
    pub looks: Looks,
    /// Whether it is the trust page that is wanted.
    pub trust: bool,
}

/// What stands there until the sandbox does. `boot.js` fetches it.
#[component]
pub fn SandboxPage(props: &Props) -> Html {
    let failed = use_state(|| false);
    {
        let failed = failed.clone();
        use_effect_with(props.trust, move |_| {
            let listener = EventListener::new(
                &browser::document(),
                "scale-lab:sandbox-failed",
                move |_| failed.set(true),
            );
            browser::tell("scale-lab:sandbox-open");
            move || {
                browser::tell("scale-lab:sandbox-close");
                drop(listener);
            }
        });
    }
    use_effect_with(props.looks, |_| browser::tell("scale-lab:looks"));
    let again = {
        let failed = failed.clone();
        Callback::from(move |_: MouseEvent| {
            failed.set(false);
            browser::tell("scale-lab:sandbox-open");
        })
    };
    html! {
        <>
            if *failed {
                <div class="page narrow failed" role="alert">
                    <p><strong>{ "This part of the lab could not be fetched. Are you offline?" }</strong></p>
                    <button class="button primary" onclick={again}>{ "Try again" }</button>
                </div>
            } else {
                <p class="waiting sandbox-waiting" role="status">{ "Fetching this part of the lab …" }</p>
            }
        </>
    }
}
