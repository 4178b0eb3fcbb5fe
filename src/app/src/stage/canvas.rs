//! What the painter draws on: the browser's canvas, or in tests a list of what was drawn.

use web_sys::CanvasRenderingContext2d;

/// The part of the canvas that the painter uses, with the names that it has there.
pub trait Canvas {
    /// Begins anew, with so many device pixels per CSS pixel.
    fn clear(&self, scale: f64, width: f64, height: f64);
    fn set_fill(&self, colour: &str);
    fn set_stroke(&self, colour: &str);
    fn set_line_width(&self, width: f64);
    fn set_alpha(&self, alpha: f64);
    /// Dashes of this length with this gap, beginning so far in; whole lines if the length is 0.
    fn set_dash(&self, length: f64, gap: f64, offset: f64);
    fn set_font(&self, font: &str);
    fn fill_rect(&self, x: f64, y: f64, width: f64, height: f64);
    fn stroke_rect(&self, x: f64, y: f64, width: f64, height: f64);
    fn begin_path(&self);
    fn close_path(&self);
    fn move_to(&self, x: f64, y: f64);
    fn line_to(&self, x: f64, y: f64);
    fn curve_to(&self, a: (f64, f64), b: (f64, f64), to: (f64, f64));
    /// Part of a circle, from one angle to another, clockwise from the right.
    fn arc(&self, x: f64, y: f64, radius: f64, from: f64, to: f64);
    fn fill(&self);
    fn stroke(&self);
    /// How wide words are in the present font.
    fn width(&self, words: &str) -> f64;
    /// Words beside a point, or around it, at half their height.
    fn fill_text(&self, words: &str, x: f64, y: f64, centred: bool);
}

/// What fails there fails for numbers and lists that the painter does not pass.
impl Canvas for CanvasRenderingContext2d {
    fn clear(&self, scale: f64, width: f64, height: f64) {
        let _ = self.set_transform(scale, 0.0, 0.0, scale, 0.0, 0.0);
        self.clear_rect(0.0, 0.0, width, height);
    }

    fn set_fill(&self, colour: &str) {
        self.set_fill_style_str(colour);
    }

    fn set_stroke(&self, colour: &str) {
        self.set_stroke_style_str(colour);
    }

    fn set_line_width(&self, width: f64) {
        self.set_line_width(width);
    }

    fn set_alpha(&self, alpha: f64) {
        self.set_global_alpha(alpha);
    }

    fn set_dash(&self, length: f64, gap: f64, offset: f64) {
        let dashes = if length > 0.0 {
            js_sys::Array::of2(&length.into(), &gap.into())
        } else {
            js_sys::Array::new()
        };
        let _ = self.set_line_dash(&dashes);
        self.set_line_dash_offset(offset);
    }

    fn set_font(&self, font: &str) {
        self.set_font(font);
    }

    fn fill_rect(&self, x: f64, y: f64, width: f64, height: f64) {
        self.fill_rect(x, y, width, height);
    }

    fn stroke_rect(&self, x: f64, y: f64, width: f64, height: f64) {
        self.stroke_rect(x, y, width, height);
    }

    fn begin_path(&self) {
        self.begin_path();
    }

    fn close_path(&self) {
        self.close_path();
    }

    fn move_to(&self, x: f64, y: f64) {
        self.move_to(x, y);
    }

    fn line_to(&self, x: f64, y: f64) {
        self.line_to(x, y);
    }

    fn curve_to(&self, a: (f64, f64), b: (f64, f64), to: (f64, f64)) {
        self.bezier_curve_to(a.0, a.1, b.0, b.1, to.0, to.1);
    }

    fn arc(&self, x: f64, y: f64, radius: f64, from: f64, to: f64) {
        let _ = self.arc(x, y, radius, from, to);
    }

    fn fill(&self) {
        self.fill();
    }

    fn stroke(&self) {
        self.stroke();
    }

    fn width(&self, words: &str) -> f64 {
        self.measure_text(words).map_or(0.0, |size| size.width())
    }

    fn fill_text(&self, words: &str, x: f64, y: f64, centred: bool) {
        self.set_text_align(if centred { "center" } else { "left" });
        self.set_text_baseline("middle");
        let _ = self.fill_text(words, x, y);
    }
}

#[cfg(test)]
pub mod list {
    //! The draw list: what was drawn, in order.

    use std::cell::RefCell;

    use super::Canvas;

    /// Something that was drawn, with the colour that it has.
    #[derive(Clone, PartialEq, Debug)]
    pub enum Mark {
        /// A rectangle: left, top, width and height; full or hollow.
        Rect([f64; 4], String, bool),
        /// A path through points (of arcs their middles, with the radius); full or hollow.
        Path(Vec<(f64, f64, f64)>, String, bool),
        Words(String, f64, f64, String),
    }

    #[derive(Default)]
    struct State {
        fill: String,
        stroke: String,
        path: Vec<(f64, f64, f64)>,
        marks: Vec<Mark>,
    }

    /// A canvas that only remembers.
    #[derive(Default)]
    pub struct List(RefCell<State>);

    impl List {
        /// What was drawn.
        pub fn marks(&self) -> Vec<Mark> {
            self.0.borrow().marks.clone()
        }

        /// How many rectangles of a colour there are.
        pub fn rects(&self, colour: &str, full: bool) -> usize {
            let marks = self.marks();
            let own = marks.iter().filter(|mark| {
                matches!(mark, Mark::Rect(_, own, is_full) if own == colour && *is_full == full)
            });
            own.count()
        }

        /// The circles of a colour, full or hollow: where, and how large.
        pub fn circles(&self, colour: &str, full: bool) -> Vec<(f64, f64, f64)> {
            let circle = |mark: &Mark| match mark {
                Mark::Path(points, own, is_full) if own == colour && *is_full == full => {
                    let [(x, y, radius)] = points[..] else {
                        return None;
                    };
                    (radius > 0.0).then_some((x, y, radius))
                }
                _ => None,
            };
            self.marks().iter().filter_map(circle).collect()
        }

        /// All words.
        pub fn words(&self) -> Vec<String> {
            let words = |mark: &Mark| match mark {
                Mark::Words(words, ..) => Some(words.clone()),
                _ => None,
            };
            self.marks().iter().filter_map(words).collect()
        }

        fn path(&self, full: bool) {
            let state = &mut *self.0.borrow_mut();
            let colour = if full { &state.fill } else { &state.stroke };
            let mark = Mark::Path(state.path.clone(), colour.clone(), full);
            state.marks.push(mark);
        }
    }

    impl Canvas for List {
        fn clear(&self, _: f64, _: f64, _: f64) {
            self.0.borrow_mut().marks.clear();
        }

        fn set_fill(&self, colour: &str) {
            colour.clone_into(&mut self.0.borrow_mut().fill);
        }

        fn set_stroke(&self, colour: &str) {
            colour.clone_into(&mut self.0.borrow_mut().stroke);
        }

        fn set_line_width(&self, _: f64) {}

        fn set_alpha(&self, _: f64) {}

        fn set_dash(&self, _: f64, _: f64, _: f64) {}

        fn set_font(&self, _: &str) {}

        fn fill_rect(&self, x: f64, y: f64, width: f64, height: f64) {
            let state = &mut *self.0.borrow_mut();
            let mark = Mark::Rect([x, y, width, height], state.fill.clone(), true);
            state.marks.push(mark);
        }

        fn stroke_rect(&self, x: f64, y: f64, width: f64, height: f64) {
            let state = &mut *self.0.borrow_mut();
            let mark = Mark::Rect([x, y, width, height], state.stroke.clone(), false);
            state.marks.push(mark);
        }

        fn begin_path(&self) {
            self.0.borrow_mut().path.clear();
        }

        fn close_path(&self) {}

        fn move_to(&self, x: f64, y: f64) {
            self.0.borrow_mut().path.push((x, y, 0.0));
        }

        fn line_to(&self, x: f64, y: f64) {
            self.0.borrow_mut().path.push((x, y, 0.0));
        }

        fn curve_to(&self, _: (f64, f64), _: (f64, f64), (x, y): (f64, f64)) {
            self.0.borrow_mut().path.push((x, y, 0.0));
        }

        fn arc(&self, x: f64, y: f64, radius: f64, _: f64, _: f64) {
            self.0.borrow_mut().path.push((x, y, radius));
        }

        fn fill(&self) {
            self.path(true);
        }

        fn stroke(&self) {
            self.path(false);
        }

        fn width(&self, words: &str) -> f64 {
            // About as wide as letters of ten pixels are.
            5.5 * words.chars().count() as f64
        }

        fn fill_text(&self, words: &str, x: f64, y: f64, _: bool) {
            let state = &mut *self.0.borrow_mut();
            let mark = Mark::Words(words.to_owned(), x, y, state.fill.clone());
            state.marks.push(mark);
        }
    }
}
