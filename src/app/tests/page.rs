//! The page in a real browser: storage that is damaged, newer or absent; routes; settings; what is shown when nothing is to be had.
#![cfg(target_arch = "wasm32")]

use core::time::Duration;

use gloo::timers::future::sleep;
use scale_course::{Day, Progress};
use scale_lab::browser::{self, document, window};
use scale_lab::page::App;
use scale_lab::store::{self, Found, Settings, Theme};
use wasm_bindgen::JsCast;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::{HtmlElement, Storage};

wasm_bindgen_test_configure!(run_in_browser);

fn storage() -> Storage {
    let storage = window()
        .local_storage()
        .ok()
        .flatten()
        .expect("the browser has storage");
    storage.clear().expect("it can be emptied");
    storage
}

fn some_progress() -> Progress {
    let mut progress = Progress::default();
    progress
        .lesson_mut("x-axis")
        .steps
        .insert("drown".to_owned());
    progress
}

#[wasm_bindgen_test]
fn progress_is_kept_and_found_again() {
    let _storage = storage();
    assert_eq!(store::progress(), Found::Progress(Progress::default()));
    assert!(store::keep_progress(&some_progress()));
    assert_eq!(store::progress(), Found::Progress(some_progress()));
}

#[wasm_bindgen_test]
fn progress_of_version_1_is_taken_over() {
    let storage = storage();
    let old = r#"{"version":1,"lessons":{"x":{"questions":{"q":{"asked":2,"right":1}}}}}"#;
    storage
        .set_item(store::PROGRESS, old)
        .expect("there is room");
    let Found::Progress(progress) = store::progress() else {
        panic!("it can be read")
    };
    assert_eq!(progress.lesson("x").questions["q"].asked, 2);
    assert_eq!(progress.due(browser::today()).len(), 1);
    assert!(store::keep_progress(&progress));
    assert_eq!(store::progress(), Found::Progress(progress));
}

#[wasm_bindgen_test]
fn days_are_those_of_the_calendar() {
    // Some browsers put a comma after the day of the week.
    let words = |day| browser::date_words(Day(day)).replace(',', "");
    assert_eq!(words(0), "Thursday 1 January");
    assert_eq!(words(20_784), "Friday 27 November");
    assert!(browser::today() > Day(20_000));
}

#[wasm_bindgen_test]
fn damaged_progress_is_kept_aside_before_anything_else() {
    let storage = storage();
    let damaged = "{\"version\":1,\"lessons\":";
    storage
        .set_item(store::PROGRESS, damaged)
        .expect("there is room");
    let Found::Damaged { why, text } = store::progress() else {
        panic!("it is damaged")
    };
    assert_eq!(text, damaged);
    assert!(why.contains("damaged"), "{why}");
    let aside = storage
        .get_item(&format!("{}.damaged-1", store::PROGRESS))
        .expect("readable");
    assert_eq!(aside.as_deref(), Some(damaged));
}

#[wasm_bindgen_test]
fn progress_of_a_newer_version_is_left_alone() {
    let storage = storage();
    let newer = "{\"version\":99,\"galaxies\":[]}";
    storage
        .set_item(store::PROGRESS, newer)
        .expect("there is room");
    assert!(matches!(store::progress(), Found::Newer { .. }));
    assert_eq!(
        storage
            .get_item(store::PROGRESS)
            .expect("readable")
            .as_deref(),
        Some(newer)
    );
}

#[wasm_bindgen_test]
fn a_full_storage_is_noticed() {
    let storage = storage();
    let mut size = 4_000_000;
    let mut number = 0;
    while size > 0 {
        if storage
            .set_item(&format!("filler-{number}"), &"x".repeat(size))
            .is_err()
        {
            size /= 2;
        }
        number += 1;
    }
    assert!(!store::keep_progress(&some_progress()));
    storage.clear().expect("it can be emptied");
}

#[wasm_bindgen_test]
fn settings_are_kept() {
    let _storage = storage();
    let settings = Settings {
        theme: Theme::Dark,
        ..Settings::default()
    };
    store::keep_settings(settings);
    assert_eq!(store::settings(), settings);
}

async fn shown(hash: &str) -> HtmlElement {
    window()
        .location()
        .set_hash(hash)
        .expect("a hash can be set");
    sleep(Duration::from_millis(150)).await;
    document().body().expect("there is a body")
}

fn text(within: &HtmlElement, selector: &str) -> String {
    let found = within.query_selector(selector).expect("a valid selector");
    found
        .and_then(|element| element.text_content())
        .unwrap_or_default()
}

#[wasm_bindgen_test]
async fn the_page_finds_its_way() {
    let storage = storage();
    storage
        .set_item(store::PROGRESS, "nonsense")
        .expect("there is room");
    let root = document().create_element("div").expect("an element");
    document()
        .body()
        .expect("there is a body")
        .append_child(&root)
        .expect("it takes children");
    yew::Renderer::<App>::with_root(root).render();

    // Damaged progress: one message, and the page works.
    let body = shown("#/settings").await;
    assert_eq!(text(&body, "main h1"), "Settings");
    assert!(
        text(&body, ".notice").contains("could not be read"),
        "{}",
        text(&body, ".notice")
    );

    // A choice of colours takes effect at once.
    let dark = body
        .query_selector_all("input[name=theme]")
        .expect("a valid selector")
        .get(2)
        .expect("three themes");
    dark.unchecked_into::<HtmlElement>().click();
    sleep(Duration::from_millis(50)).await;
    let theme = document()
        .document_element()
        .and_then(|root| root.get_attribute("data-theme"));
    assert_eq!(theme.as_deref(), Some("dark"));
    assert_eq!(store::settings().theme, Theme::Dark);

    let body = shown("#/no/such/place").await;
    assert!(text(&body, "main h1").contains("Nothing is routed here"));
    assert!(
        body.query_selector("main a[href='#/']")
            .expect("a valid selector")
            .is_some()
    );

    // There are no lessons beside this test: the page says so, and offers to try again.
    let body = shown("#/lesson/x-axis").await;
    assert!(
        text(&body, "[role=alert]").contains("lessons/x-axis/lesson.md"),
        "{}",
        text(&body, "main")
    );
    assert!(text(&body, "[role=alert] button").contains("Try again"));
    // Nothing was answered yet: the review says what it is for, and progress what there is none of.
    let body = shown("#/review").await;
    assert_eq!(text(&body, "main h1"), "Nothing is due today");
    assert!(text(&body, "main").contains("not answered any yet"));
    let body = shown("#/progress").await;
    assert_eq!(text(&body, "main h1"), "Your progress");
    assert!(text(&body, "main").contains("Not asked yet: queueing"));
    let body = shown("#/").await;
    assert!(text(&body, "main h1").contains("ten times"));
    assert!(text(&body, ".map [role=alert]").contains("lessons/catalog.json"));
}
