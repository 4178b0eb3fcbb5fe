//! Fields beside a drawing: a number of the scenario, with the range that its check allows.

use std::rc::Rc;

use scale_design::{Change, Design, Edit};
use scale_sim::{Allowed, pointer};
use serde_json::Value;
use yew::prelude::*;

use super::super::deed::Deed;
use super::super::inspector::inputs::NumberInput;

/// What the fields of the page know of the design.
#[derive(Clone)]
pub struct Fields {
    /// The design.
    pub design: Design,
    /// What its numbers may be.
    ranges: Rc<Vec<Allowed>>,
    /// What is done.
    pub act: Callback<Deed>,
}

impl Fields {
    /// For the fields of this design.
    pub fn new(design: &Design, act: &Callback<Deed>) -> Self {
        Self {
            design: design.clone(),
            ranges: Rc::new(design.scenario().ranges()),
            act: act.clone(),
        }
    }

    fn allowed(&self, path: &str) -> (f64, f64, bool) {
        let found = self.ranges.iter().find(|allowed| allowed.path == path);
        found.map_or((0.0, 1e6, false), |a| (a.min, a.max, a.whole))
    }

    /// The field of the number at `path` in the scenario.
    pub fn number(&self, path: &str, label: &str, unit: &str, value: f64) -> Html {
        let at = pointer(path, self.design.tree());
        let (min, max, whole) = self.allowed(path);
        let on_number = {
            let (act, at) = (self.act.clone(), at.clone());
            Callback::from(move |value: Option<f64>| {
                if let Some(value) = value {
                    let change = Change::set(at.clone(), json_number(value, whole));
                    act.emit(Deed::GoOn(Edit::Change(vec![change]), at.clone()));
                }
            })
        };
        self.input(
            path,
            label,
            unit,
            Some(value),
            (min, max, whole),
            None,
            on_number,
        )
    }

    /// The field of the number at `path`, which may be left out; `usual` says what then is.
    pub fn optional(
        &self,
        path: &str,
        label: &str,
        unit: &str,
        value: Option<f64>,
        usual: &'static str,
    ) -> Html {
        let at = pointer(path, self.design.tree());
        let (min, max, whole) = self.allowed(path);
        let on_number = {
            let (act, at) = (self.act.clone(), at.clone());
            Callback::from(move |value: Option<f64>| {
                let change = match value {
                    Some(value) => Change::set(at.clone(), json_number(value, whole)),
                    None => Change::remove(at.clone()),
                };
                act.emit(Deed::GoOn(Edit::Change(vec![change]), at.clone()));
            })
        };
        self.input(
            path,
            label,
            unit,
            value,
            (min, max, whole),
            Some(usual),
            on_number,
        )
    }

    #[expect(clippy::too_many_arguments, reason = "a field has many sides")]
    fn input(
        &self,
        path: &str,
        label: &str,
        unit: &str,
        value: Option<f64>,
        (min, max, whole): (f64, f64, bool),
        usual: Option<&'static str>,
        on_number: Callback<Option<f64>>,
    ) -> Html {
        let id = id(path);
        let said = format!("{id}-said");
        let own = self
            .design
            .problems()
            .iter()
            .filter(|problem| problem.path == path);
        let problems: Vec<Html> = own
            .map(|problem| html! { <span>{ &problem.message }</span> })
            .collect();
        let invalid = !problems.is_empty();
        html! {
            <div class="traffic-field" key={id.clone()}>
                <label for={id.clone()}>{ label.to_owned() }</label>
                <span class="traffic-input">
                    <NumberInput {id} {value} {whole} {min} {max} usual={usual.unwrap_or_default()} optional={usual.is_some()}
                        described={said.clone()} {invalid} {on_number} />
                    <span class="traffic-unit" id={said}>{ unit.to_owned() }</span>
                </span>
                if invalid { <p class="traffic-problem">{ for problems }</p> }
            </div>
        }
    }
}

/// A number as JSON: a whole one without a point.
pub fn json_number(value: f64, whole: bool) -> Value {
    if whole {
        Value::from(value as u64)
    } else {
        Value::from(value)
    }
}

/// An id made of a path.
pub fn id(path: &str) -> String {
    let letters = path
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' });
    format!("traffic-{}", letters.collect::<String>())
}

/// A select of names, of which one is chosen.
pub fn select(
    label: &str,
    options: &[(String, String)],
    chosen: &str,
    on_choose: Callback<String>,
) -> Html {
    let onchange = Callback::from(move |event: Event| {
        let field: web_sys::HtmlSelectElement = event.target_unchecked_into();
        on_choose.emit(field.value());
    });
    let option = |(value, words): &(String, String)| {
        html! { <option value={value.clone()} selected={value == chosen}>{ words }</option> }
    };
    html! {
        <label class="traffic-field"><span>{ label.to_owned() }</span><select {onchange}>{ for options.iter().map(option) }</select></label>
    }
}
