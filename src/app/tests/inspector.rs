//! The inspector in a real browser: what is typed, chosen and added becomes changes, and what is not allowed does not.
#![cfg(target_arch = "wasm32")]

use std::cell::RefCell;
use std::rc::Rc;

use core::time::Duration;

use gloo::timers::future::sleep;
use scale_design::Change;
use scale_lab::browser::document;
use scale_lab::handle::Handle;
use scale_lab::sandbox::inspector::{Inspector, Props, Subject};
use scale_sim::{Scenario, from_json_value};
use serde_json::{Value, json};
use wasm_bindgen::JsCast;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::{
    Element, Event, EventInit, HtmlElement, HtmlInputElement, HtmlSelectElement,
    HtmlTextAreaElement,
};
use yew::{AppHandle, Callback, Renderer};

wasm_bindgen_test_configure!(run_in_browser);

fn design() -> Value {
    json!({ "version": 1, "horizon_s": 10, "components": {
        "users": { "client": { "operation": "buy", "target": "shop", "users": 10, "arrivals": { "constant": { "rate_per_s": 1 } } } },
        "shop": { "service": { "workers": 0, "plans": { "buy": [
            { "work": { "exponential": { "mean_ms": 20 } } }, { "call": { "to": "db", "operation": "read" } } ] } } },
        "db": { "database": { "connections": 1, "queries": { "*": { "constant": { "mean_ms": 1 } } } } } } })
}

/// An inspector on a page that makes the changes that it asks for.
struct Shown {
    app: AppHandle<Inspector>,
    root: Element,
    of: Subject,
    design: Value,
    asked: Rc<RefCell<Vec<Vec<Change>>>>,
}

impl Shown {
    async fn of(of: Subject) -> Self {
        let root = document().create_element("div").expect("a page");
        let body = document().body().expect("a page has a body");
        body.append_child(&root).expect("it takes a child");
        let asked = Rc::default();
        let props = props(&design(), &of, &asked);
        let app = Renderer::<Inspector>::with_root_and_props(root.clone(), props).render();
        let shown = Self {
            app,
            root,
            of,
            design: design(),
            asked,
        };
        sleep(Duration::from_millis(30)).await;
        shown
    }

    async fn component(name: &str) -> Self {
        Self::of(Subject::Component(name.to_owned())).await
    }

    fn find<T: JsCast>(&self, selector: &str) -> T {
        let found = self.root.query_selector(selector).expect("a selector");
        let found = found.unwrap_or_else(|| panic!("{selector} in {}", self.root.inner_html()));
        found.dyn_into().expect(selector)
    }

    /// The first element of this kind that says `words`.
    fn saying(&self, selector: &str, words: &str) -> HtmlElement {
        let all = self.root.query_selector_all(selector).expect("a selector");
        let mut all =
            (0..all.length()).filter_map(|at| all.item(at)?.dyn_into::<HtmlElement>().ok());
        let found = all.find(|e| e.text_content().is_some_and(|text| text.contains(words)));
        found.unwrap_or_else(|| panic!("{selector} with {words} in {}", self.root.inner_html()))
    }

    fn text(&self, selector: &str) -> String {
        self.find::<Element>(selector)
            .text_content()
            .unwrap_or_default()
    }

    /// Makes what was asked for, and draws the inspector with it. What was asked for.
    async fn settle(&mut self) -> Vec<Change> {
        sleep(Duration::from_millis(30)).await;
        let changes: Vec<Change> = self.asked.borrow_mut().drain(..).flatten().collect();
        for change in &changes {
            assert!(change.apply(&mut self.design), "{change:?}");
        }
        self.app.update(props(&self.design, &self.of, &self.asked));
        sleep(Duration::from_millis(30)).await;
        changes
    }

    async fn write(&mut self, selector: &str, text: &str) -> Vec<Change> {
        let input: HtmlInputElement = self.find(selector);
        input.set_value(text);
        for kind in ["input", "change"] {
            fire(&input, kind);
            sleep(Duration::from_millis(10)).await;
        }
        self.settle().await
    }

    async fn choose(&mut self, selector: &str, words: &str) -> Vec<Change> {
        let select: HtmlSelectElement = self.find(selector);
        let options = select.children();
        let at = (0..options.length()).find(|at| {
            let option = options.item(*at);
            option.is_some_and(|o| o.text_content().as_deref() == Some(words))
        });
        select.set_selected_index(at.expect(words) as i32);
        fire(&select, "change");
        self.settle().await
    }

    async fn press(&mut self, button: &HtmlElement) -> Vec<Change> {
        button.click();
        self.settle().await
    }

    fn close(self) {
        self.app.destroy();
        self.root.remove();
    }
}

fn fire(element: &Element, kind: &str) {
    let init = EventInit::new();
    init.set_bubbles(true);
    let event = Event::new_with_event_init_dict(kind, &init).expect("an event");
    element.dispatch_event(&event).expect("it is heard");
}

fn props(design: &Value, of: &Subject, asked: &Rc<RefCell<Vec<Vec<Change>>>>) -> Props {
    let scenario: Scenario = from_json_value(design).expect("of the form");
    let asked = asked.clone();
    Props {
        problems: Handle::from(scenario.problems()),
        design: Handle::from(design.clone()),
        of: of.clone(),
        on_edit: Callback::from(move |changes| asked.borrow_mut().push(changes)),
    }
}

const WORKERS: &str = "#in_components_shop_service_workers";

#[wasm_bindgen_test]
async fn a_number_is_passed_on_if_it_is_allowed() {
    let mut shown = Shown::component("shop").await;
    // What is wrong stands at the field, and describes it.
    let input: HtmlInputElement = shown.find(WORKERS);
    let described = input.get_attribute("aria-describedby").unwrap_or_default();
    let problem = described.split(' ').find(|id| id.ends_with("-problems"));
    assert!(
        shown
            .text(&format!("#{}", problem.expect("one")))
            .contains("1 to 10000 is allowed")
    );
    assert_eq!(input.get_attribute("aria-invalid").as_deref(), Some("true"));

    for (text, why) in [
        ("20,000", "20,000 is not allowed: 1 to 10,000."),
        ("2.5", "This wants a whole number: 1 to 10,000."),
        ("many", "This wants a number: 1 to 10,000."),
        ("", "This wants a number: 1 to 10,000."),
    ] {
        assert_eq!(shown.write(WORKERS, text).await, [], "{text}");
        assert!(
            shown.text(".inspector-control [role=alert]").contains(why),
            "{text}"
        );
        assert_eq!(
            shown.find::<HtmlInputElement>(WORKERS).value(),
            text,
            "it can be mended"
        );
    }
    let changes = shown.write(WORKERS, "1,000").await;
    assert_eq!(
        changes,
        [Change::set("/components/shop/service/workers", 1_000)]
    );
    assert_eq!(
        shown.root.query_selector("[role=alert]").ok().flatten(),
        None
    );
    assert_eq!(shown.find::<HtmlInputElement>(WORKERS).value(), "1,000");

    // What may be left out shows what holds without it, and can be left out again.
    let queue = "#in_components_shop_service_queue";
    assert_eq!(
        shown.find::<HtmlInputElement>(queue).placeholder(),
        "1,000,000"
    );
    let at = "/components/shop/service/queue";
    assert_eq!(shown.write(queue, "50").await, [Change::set(at, 50)]);
    assert_eq!(shown.write(queue, "").await, [Change::remove(at)]);
    shown.close();
}

#[wasm_bindgen_test]
async fn a_choice_comes_with_values_that_fit() {
    let mut shown = Shown::component("users").await;
    let changes = shown
        .choose("#in_components_users_client_arrivals", "Closed")
        .await;
    assert_eq!(
        changes.len(),
        2,
        "the users of a closed loop are its own: {changes:?}"
    );
    assert_eq!(
        from_json_value::<Scenario>(&shown.design).map(|s| s.problems().len()),
        Ok(1)
    );
    assert!(shown.root.inner_html().contains("Think time"));
    // The time to think is chosen in its turn, and keeps its mean.
    let think = "#in_components_users_client_arrivals_closed_think:5f:time";
    let think = think.replace(':', "\\:");
    let changes = shown.choose(&think, "Constant").await;
    let at = "/components/users/client/arrivals/closed/think_time";
    assert_eq!(
        changes,
        [Change::set(at, json!({ "constant": { "mean_ms": 1_000 } }))]
    );
    shown.close();
}

#[wasm_bindgen_test]
async fn a_plan_is_read_and_changed_by_its_steps() {
    let mut shown = Shown::component("shop").await;
    let plan = "/components/shop/service/plans/buy";
    assert!(
        shown
            .text(".inspector-plan > li:nth-child(2)")
            .contains("Ask db for “read”")
    );
    let add = shown.saying("button", "Add a step");
    assert_eq!(shown.press(&add).await, []);
    let call = shown.saying("button", "Ask another component");
    let changes = shown.press(&call).await;
    // Nobody but the database can be asked.
    assert_eq!(
        changes,
        [Change::set(
            format!("{plan}/-"),
            json!({ "call": { "to": "db" } })
        )]
    );
    // The new step is open, and has the focus.
    let active = document().active_element().map(|e| e.id());
    assert_eq!(
        active.as_deref(),
        Some("in_components_shop_service_plans_buy_2")
    );
    assert!(
        shown
            .root
            .query_selector("#in_components_shop_service_plans_buy_2_call_to")
            .ok()
            .flatten()
            .is_some()
    );

    let up: HtmlElement = shown.find("[aria-label^='Move up: Ask db']:enabled");
    up.focus().expect("it takes the focus");
    shown.press(&up).await;
    let first = &shown.design.pointer(plan).expect("a plan")[0];
    assert_eq!(first["call"]["operation"], "read");
    let active = document()
        .active_element()
        .and_then(|e| e.get_attribute("aria-label"));
    assert_eq!(
        active.as_deref(),
        Some("Move down: Ask db for “read”"),
        "it cannot go up further"
    );
    let delete: HtmlElement = shown.find("[aria-label^='Delete: Work']");
    assert_eq!(
        shown.press(&delete).await,
        [Change::remove(format!("{plan}/1"))]
    );
    assert!(!shown.text(".inspector-plan").contains("Work for"));
    shown.close();
}

#[wasm_bindgen_test]
async fn json_is_applied_if_it_fits() {
    let mut shown = Shown::component("db").await;
    let fold = shown.saying("summary", "As JSON");
    shown.press(&fold).await;
    let mut apply = async |text: &str| {
        let area: HtmlTextAreaElement = shown.find("textarea");
        area.set_value(text);
        fire(&area, "input");
        sleep(Duration::from_millis(20)).await;
        let button = shown.saying("button", "Apply");
        let changes = shown.press(&button).await;
        (changes, shown.text("#inspector-json-told"))
    };
    let (changes, told) = apply("{ \"connections\": 4,\n  \"queries\": }").await;
    assert!(
        changes.is_empty() && told.contains("line 2 column 14"),
        "{told}"
    );
    let (changes, told) = apply("{ \"connections\": 4,\n  \"queries\": [] }").await;
    assert!(
        changes.is_empty() && told.contains("Line 2, column 14"),
        "{told}"
    );
    assert!(told.contains("Nothing was changed"), "{told}");
    let new = json!({ "connections": 4, "queries": { "read": { "constant": { "mean_ms": 2 } } } });
    let (changes, told) = apply(&new.to_string()).await;
    assert_eq!(changes, [Change::set("/components/db/database", new)]);
    assert_eq!(told, "Applied.");
    shown.close();
}

#[wasm_bindgen_test]
async fn every_control_has_a_name() {
    for of in [
        Subject::Component("users".to_owned()),
        Subject::Component("shop".to_owned()),
        Subject::Component("db".to_owned()),
        Subject::Connection {
            from: "shop".to_owned(),
            to: "db".to_owned(),
        },
        Subject::Whole,
    ] {
        let mut shown = Shown::of(of).await;
        // All that is folded away, as deep as it goes.
        for _ in 0..4 {
            let closed = shown
                .root
                .query_selector_all(".inspector-fold:not([open]) > summary");
            let closed = closed.expect("a selector");
            for at in 0..closed.length() {
                closed
                    .item(at)
                    .and_then(|e| e.dyn_into::<HtmlElement>().ok())
                    .expect("a summary")
                    .click();
            }
            shown.settle().await;
        }
        let controls = shown
            .root
            .query_selector_all("input, select, textarea")
            .expect("a selector");
        assert!(controls.length() > 4);
        for at in 0..controls.length() {
            let control: Element = controls
                .item(at)
                .and_then(|e| e.dyn_into().ok())
                .expect("one");
            let by_label = format!("label[for='{}']", control.id());
            let named = control.has_attribute("aria-label")
                || control.closest("label").ok().flatten().is_some()
                || shown
                    .root
                    .query_selector(&by_label)
                    .ok()
                    .flatten()
                    .is_some();
            assert!(named, "{}", control.outer_html());
        }
        shown.close();
    }
}
