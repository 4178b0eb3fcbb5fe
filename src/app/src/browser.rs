//! The few things asked of the browser beyond drawing.

use scale_course::Day;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    Blob, BlobPropertyBag, Document, Element, HtmlAnchorElement, HtmlElement, MediaQueryList,
    Window,
};

/// The window.
///
/// # Panics
///
/// Outside a page.
pub fn window() -> Window {
    web_sys::window().expect("the page has a window")
}

/// The document.
///
/// # Panics
///
/// Outside a page.
pub fn document() -> Document {
    window().document().expect("a window has a document")
}

/// Where the app is drawn.
///
/// # Panics
///
/// If index.html has lost its `#app`.
pub fn root() -> Element {
    document()
        .get_element_by_id("app")
        .expect("index.html has #app")
}

/// The address of a file that the page has brought with it. A finished build keeps its files in a folder of their own, which
/// `index.html` names: so a page never gets a part of another build.
pub fn part(path: &str) -> String {
    let root = document().document_element();
    let folder = root.and_then(|root| root.get_attribute("data-folder"));
    folder.unwrap_or_default() + path
}

/// A media query, which tells whether it holds and when that changes.
pub fn media(query: &str) -> Option<MediaQueryList> {
    window().match_media(query).ok().flatten()
}

/// Sets an attribute of the root element, by which style sheets tell themes apart.
pub fn mark_root(name: &str, value: &str) {
    if let Some(root) = document().document_element() {
        // Fails for bad attribute names only, and the names are ours.
        let _ = root.set_attribute(name, value);
    }
}

/// Sets or removes the attribute `mark` of all elements whose attribute `name` is `value`.
pub fn mark_all(name: &str, value: &str, mark: &str, on: bool) {
    let Ok(found) = document().query_selector_all(&format!("[{name}='{value}']")) else {
        return;
    };
    for at in 0..found.length() {
        if let Some(element) = found.item(at).and_then(|e| e.dyn_into::<Element>().ok()) {
            // Fails for bad attribute names only, and the names are ours.
            let _ = if on {
                element.set_attribute(mark, "")
            } else {
                element.remove_attribute(mark)
            };
        }
    }
}

/// Tells whoever listens on the document that something happened.
pub fn tell(name: &str) {
    if let Ok(event) = web_sys::Event::new(name) {
        // Fails for events that are under way only.
        let _ = document().dispatch_event(&event);
    }
}

/// The value of a custom property of the style sheet, such as `--ink`.
pub fn style(name: &str) -> String {
    let root = document().document_element();
    let style = root.and_then(|root| window().get_computed_style(&root).ok().flatten());
    style
        .and_then(|style| style.get_property_value(name).ok())
        .map(|v| v.trim().to_owned())
        .unwrap_or_default()
}

/// How wide the window is, in CSS pixels; nothing where that is not known.
pub fn wide() -> f64 {
    let wide = window().inner_width().ok();
    wide.and_then(|wide| wide.as_f64()).unwrap_or(0.0)
}

/// Milliseconds since the page was opened.
pub fn now_ms() -> f64 {
    window().performance().map_or(0.0, |p| p.now())
}

/// The learner's day.
pub fn today() -> Day {
    let now = js_sys::Date::new_0();
    let local_min = now.get_time() / 60_000.0 - now.get_timezone_offset();
    Day((local_min / (24.0 * 60.0)).floor() as i32)
}

/// A day in words, such as "Friday 27 November".
pub fn date_words(day: Day) -> String {
    let date = js_sys::Date::new(&JsValue::from_f64(f64::from(day.0) * 86_400_000.0));
    let options = js_sys::Object::new();
    for (name, value) in [
        ("weekday", "long"),
        ("day", "numeric"),
        ("month", "long"),
        ("timeZone", "UTC"),
    ] {
        // Fails for frozen objects only, and this one is new.
        let _ = js_sys::Reflect::set(&options, &name.into(), &value.into());
    }
    date.to_locale_date_string("en-GB", &options).into()
}

/// A number that differs from call to call and from visit to visit, for drawing questions.
pub fn fresh_seed() -> u64 {
    (js_sys::Math::random() * 9e15) as u64
}

/// Offers `text` as a file to keep; `kind` is its media type.
pub fn download(name: &str, kind: &str, text: &str) {
    let offer = || -> Result<(), JsValue> {
        let parts = js_sys::Array::of1(&JsValue::from_str(text));
        let options = BlobPropertyBag::new();
        options.set_type(kind);
        let blob = Blob::new_with_str_sequence_and_options(&parts, &options)?;
        let url = web_sys::Url::create_object_url_with_blob(&blob)?;
        let link: HtmlAnchorElement = document().create_element("a")?.unchecked_into();
        link.set_href(&url);
        link.set_download(name);
        link.click();
        web_sys::Url::revoke_object_url(&url)
    };
    // A browser that refuses downloads says so itself.
    let _ = offer();
}

/// Moves the keyboard's focus to the first element that any of these selectors finds, the earlier ones going first.
pub fn focus(selectors: &[String]) {
    let mut found = selectors
        .iter()
        .filter_map(|selector| document().query_selector(selector).ok().flatten());
    if let Some(element) = found.next().and_then(|e| e.dyn_into::<HtmlElement>().ok()) {
        let _ = element.focus();
    }
}

/// Scrolls as little as it takes to bring the first element that a selector finds in sight.
pub fn reveal(selector: &str) {
    if let Ok(Some(element)) = document().query_selector(selector) {
        let options = web_sys::ScrollIntoViewOptions::new();
        options.set_block(web_sys::ScrollLogicalPosition::Nearest);
        element.scroll_into_view_with_scroll_into_view_options(&options);
    }
}

/// Moves the keyboard's focus to the page's heading, so that a screen reader reads on from there.
pub fn focus_heading() {
    if let Ok(Some(heading)) = document().query_selector("main h1")
        && let Ok(heading) = heading.dyn_into::<HtmlElement>()
    {
        heading.set_tab_index(-1);
        let _ = heading.focus();
    }
    to_top();
}

/// Shows the page from its top.
pub fn to_top() {
    window().scroll_to_with_x_and_y(0.0, 0.0);
}
