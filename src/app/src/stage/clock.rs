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
use super::narration::Density;
use super::painter::{Colours, paint};
use super::player::{Player, Sought};
use super::why::Told;
use crate::browser;
use crate::protocol::Command;
use crate::simulator::Simulator;

/// Everything that lives from frame to frame and is not a matter for the page's diffing.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one thing that is so or not"
)]
pub struct Live {
    pub player: Player,
    pub layout: Layout,
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
    /// What is known of the request that the reader asked about.
    pub told: Told,
    /// Whether the keys are shown.
    pub keys: bool,
    /// How much is told in words, and of which component.
    pub density: Density,
    pub filter: Option<u16>,
    /// The component that the reader looks at.
    pub looked: Option<u16>,
    /// How large what can be seen of the picture is, in CSS pixels, and how many times as large the whole is.
    pub room: (f64, f64),
    pub zoom: f64,
}

impl Live {
    /// Places what there is to draw anew.
    pub fn place(&mut self) {
        let (width, height) = (self.room.0 * self.zoom, self.room.1 * self.zoom);
        self.layout = Layout::new(&self.player.scene, width, height, self.zoom);
        self.dirty = true;
    }
}

impl Default for Live {
    fn default() -> Self {
        Self {
            player: Player::default(),
            layout: Layout::default(),
            colours: Colours::default(),
            last_ms: 0.0,
            shown_ms: 0.0,
            visible: true,
            dirty: true,
            told_task: false,
            frame: None,
            values: VecMap::new(),
            sought: Sought::Lost,
            told: Told::Unasked,
            keys: false,
            density: Density::default(),
            filter: None,
            looked: None,
            room: (0.0, 0.0),
            zoom: 1.0,
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
    pub canvas: NodeRef,
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
            if !live.visible {
                return;
            }
            let before = (live.player.now_s(), live.player.playing);
            if let Some(to_s) = live.player.pass(real_s, browser::now_ms() / 1000.0) {
                self.simulator.ask(Command::Advance {
                    run: live.player.run,
                    to_s,
                });
            }
            let moved = before != (live.player.now_s(), live.player.playing);
            if moved || live.dirty {
                self.paint(live);
                live.dirty = false;
            }
            let stopped = before.1 && !live.player.playing;
            let due = now_ms - live.shown_ms >= WORDS_MS;
            let clock_s = browser::now_ms() / 1000.0;
            let late = live.player.is_stuck(clock_s) || live.player.is_loading(clock_s);
            let news = (due && (moved || late)) || stopped || (moved && !live.player.playing);
            if news {
                live.shown_ms = now_ms;
                self.renew.force_update();
            }
            if live.player.task_is_done() && !live.told_task {
                live.told_task = true;
                done = true;
            }
        }
        if done {
            self.on_task.emit(());
        }
    }

    fn paint(&self, live: &Live) {
        let Some(canvas) = self.canvas.cast::<HtmlCanvasElement>() else {
            return;
        };
        let scale = browser::window().device_pixel_ratio().max(1.0);
        let (width, height) = (
            (live.layout.width * scale) as u32,
            (live.layout.height * scale) as u32,
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
                (&live.player.scene, &live.layout),
                &live.player.picture,
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
                if room != live.room {
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
