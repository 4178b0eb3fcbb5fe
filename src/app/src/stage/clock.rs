//! The clock of the stage: turns the page's frames into the run's time, and watches whether the stage is in sight.

use core::cell::RefCell;
use std::rc::Rc;

use gloo::render::{AnimationFrame, request_animation_frame};
use vecmap::VecMap;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, HtmlElement};
use yew::prelude::*;

use super::layout::Layout;
use super::look::Looking;
use super::narration::Density;
use super::painter::{Colours, paint};
use super::pan::Anchor;
use super::player::{Player, Sought};
use super::run::Run;
use super::twin::{Kept, Names};
use super::why::Told;
use crate::browser;
use crate::protocol::{About, Command};
use crate::simulator::Simulator;

/// Everything that lives from frame to frame and is not a matter for the page's diffing.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one thing that is so or not"
)]
pub struct Live {
    pub player: Player,
    pub layout: Layout,
    pub layout_beside: Layout,
    pub colours: Colours,
    pub last_ms: f64,
    pub shown_ms: f64,
    pub visible: bool,
    pub dirty: bool,
    pub told_task: bool,
    pub frame: Option<AnimationFrame>,
    pub values: VecMap<String, f64>,
    /// What kind of thing the reader goes from one to the next of.
    pub sought: Sought,
    /// The values that the run beside was kept with, if it is one that the reader kept.
    pub kept: Option<Kept>,
    /// What the two runs are called, where the scene says.
    pub titles: Option<Names>,
    /// Where there is room for one picture only: whether it is that of the run beside.
    pub front_beside: bool,
    /// Whether words tell of the run beside.
    pub told_beside: bool,
    /// What is known of the request that the reader asked about; and of the same request in the run beside.
    pub told: [Told; 2],
    /// A request to be asked about in the run beside, too.
    pub ask_beside: Option<u64>,
    /// Whether the keys are shown.
    pub keys: bool,
    /// How much is told in words, and of which component.
    pub density: Density,
    pub filter: Option<u16>,
    /// The component that the reader looks at.
    pub looked: Option<u16>,
    /// What the worker was asked about it, and what it told.
    pub looking: Looking,
    /// How large what can be seen of the picture is, in CSS pixels, and how many times as large the whole is.
    pub room: (f64, f64),
    pub zoom: f64,
    /// What is to stay where it is once the picture has its new size.
    pub anchor: Option<Anchor>,
    /// When a drag or pinch last ended.
    pub dragged_ms: f64,
}

impl Live {
    /// Places what there is to draw anew.
    pub fn place(&mut self) {
        let (width, height) = (self.room.0 * self.zoom, self.room.1 * self.zoom);
        let place = |run: &Run| Layout::new(&run.scene, width, height, self.zoom);
        let beside = self.player.beside.as_ref().map(place);
        self.layout = place(&self.player.run);
        self.layout_beside = beside.unwrap_or_default();
        self.dirty = true;
    }

    /// The run that the reader changes, or the one beside it, and where its parts stand.
    pub fn shown(&self, beside: bool) -> Option<(&Run, &Layout)> {
        if beside {
            let run = self.player.beside.as_ref()?;
            Some((run, &self.layout_beside))
        } else {
            Some((&self.player.run, &self.layout))
        }
    }

    /// Whether the run that the reader kept and the other have the same knobs.
    pub fn is_unchanged(&self) -> bool {
        let kept = self.kept.as_ref();
        kept.is_some_and(|kept| kept.values == self.values)
    }

    /// What the two runs are called.
    pub fn names(&self) -> Names {
        self.titles.clone().unwrap_or_default()
    }
}

impl Default for Live {
    fn default() -> Self {
        Self {
            player: Player::default(),
            layout: Layout::default(),
            layout_beside: Layout::default(),
            colours: Colours::default(),
            last_ms: 0.0,
            shown_ms: 0.0,
            visible: true,
            dirty: true,
            told_task: false,
            frame: None,
            values: VecMap::new(),
            sought: Sought::Lost,
            kept: None,
            titles: None,
            front_beside: false,
            told_beside: false,
            told: [Told::Unasked, Told::Unasked],
            ask_beside: None,
            keys: false,
            density: Density::default(),
            filter: None,
            looked: None,
            looking: Looking::default(),
            room: (0.0, 0.0),
            zoom: 1.0,
            anchor: None,
            dragged_ms: f64::NEG_INFINITY,
        }
    }
}

/// How often the words and numbers are renewed while it plays, in milliseconds.
const WORDS_MS: f64 = 120.0;

/// What turns the page's frames into the run's time.
#[derive(Clone)]
pub struct Clock {
    pub live: Rc<RefCell<Live>>,
    pub simulator: Rc<Simulator>,
    pub renew: UseForceUpdateHandle,
    /// Of the run that the reader changes, and of the one beside it.
    pub canvases: [NodeRef; 2],
    pub still: bool,
    pub on_task: Callback<()>,
}

impl Clock {
    /// Waits for the page's next frame.
    pub fn next(self) {
        let live = Rc::clone(&self.live);
        let frame = request_animation_frame(move |now_ms| {
            self.frame(now_ms);
            self.next();
        });
        live.borrow_mut().frame = Some(frame);
    }

    fn frame(&self, now_ms: f64) {
        let mut done = false;
        {
            let live = &mut *self.live.borrow_mut();
            // A tab that was away for long does not catch up.
            let real_s = ((now_ms - live.last_ms) / 1000.0).clamp(0.0, 0.1);
            live.last_ms = now_ms;
            if let (Some(request), Some(beside)) = (live.ask_beside.take(), &live.player.beside) {
                let (run, about) = (beside.id, About::Request(request));
                live.told[1] = Told::Asked;
                self.simulator.ask(Command::Tell { run, about });
            }
            if !live.visible {
                return;
            }
            if let Some(command) = live.looking.ask(&live.player, live.looked, now_ms) {
                self.simulator.ask(command);
            }
            let before = (live.player.now_s(), live.player.playing);
            for (run, to_s) in live.player.pass(real_s, browser::now_ms() / 1000.0) {
                self.simulator.ask(Command::Advance { run, to_s });
            }
            let moved = before != (live.player.now_s(), live.player.playing);
            if moved || live.dirty {
                self.paint(live);
                live.dirty = false;
            }
            let stopped = before.1 && !live.player.playing;
            let due = now_ms - live.shown_ms >= WORDS_MS;
            let clock_s = browser::now_ms() / 1000.0;
            let late = live.player.run.is_stuck(clock_s) || live.player.run.is_loading(clock_s);
            let news = (due && (moved || late)) || stopped || (moved && !live.player.playing);
            if news {
                live.shown_ms = now_ms;
                self.renew.force_update();
            }
            if live.player.run.task_is_done() && !live.told_task {
                live.told_task = true;
                done = true;
            }
        }
        if done {
            self.on_task.emit(());
        }
    }

    fn paint(&self, live: &Live) {
        for (canvas, beside) in self.canvases.iter().zip([false, true]) {
            let canvas = canvas.cast::<HtmlCanvasElement>();
            if let (Some(canvas), Some((run, layout))) = (canvas, live.shown(beside)) {
                self.paint_run(live, &canvas, run, layout);
            }
        }
    }

    fn paint_run(&self, live: &Live, canvas: &HtmlCanvasElement, run: &Run, layout: &Layout) {
        let scale = browser::window().device_pixel_ratio().max(1.0);
        let (width, height) = (
            (layout.width * scale) as u32,
            (layout.height * scale) as u32,
        );
        if canvas.width() != width || canvas.height() != height {
            canvas.set_width(width);
            canvas.set_height(height);
        }
        let context = canvas.get_context("2d").ok().flatten();
        if let Some(context) = context.and_then(|c| c.dyn_into::<CanvasRenderingContext2d>().ok()) {
            paint(
                &context,
                scale,
                (&run.scene, layout),
                &run.picture,
                &live.colours,
                self.still,
            );
        }
    }
}

/// Watches the size of the stage and whether it is in sight.
pub struct Watch {
    size: web_sys::ResizeObserver,
    sight: web_sys::IntersectionObserver,
    _on_size: Closure<dyn FnMut()>,
    _on_sight: Closure<dyn FnMut(js_sys::Array)>,
}

impl Watch {
    /// Begins to watch `element`.
    pub fn new(
        element: &NodeRef,
        live: &Rc<RefCell<Live>>,
        renew: &UseForceUpdateHandle,
    ) -> Option<Self> {
        let element = element.cast::<HtmlElement>()?;
        let measure = {
            let (element, live, renew) = (element.clone(), Rc::clone(live), renew.clone());
            move || {
                let live = &mut *live.borrow_mut();
                // Without its border: scroll bars must not change what there is room for.
                let room = (
                    f64::from(element.offset_width()),
                    f64::from(element.offset_height()),
                );
                // Hidden behind the other, it keeps the size that it had.
                if room != live.room && room.0 > 0.0 {
                    live.room = room;
                    live.place();
                    renew.force_update();
                }
            }
        };
        measure();
        let on_size = Closure::<dyn FnMut()>::new(measure);
        let on_sight = {
            let live = Rc::clone(live);
            Closure::<dyn FnMut(js_sys::Array)>::new(move |entries: js_sys::Array| {
                let last = entries.get(entries.length().saturating_sub(1));
                let entry = last.unchecked_into::<web_sys::IntersectionObserverEntry>();
                live.borrow_mut().visible = entry.is_intersecting();
            })
        };
        let size = web_sys::ResizeObserver::new(on_size.as_ref().unchecked_ref()).ok()?;
        let sight = web_sys::IntersectionObserver::new(on_sight.as_ref().unchecked_ref()).ok()?;
        size.observe(&element);
        sight.observe(&element);
        Some(Self {
            size,
            sight,
            _on_size: on_size,
            _on_sight: on_sight,
        })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.size.disconnect();
        self.sight.disconnect();
    }
}
