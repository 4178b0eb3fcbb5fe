//! The way to the sandbox, which is a Wasm of its own: the page says when it is to come and go. It is drawn beside the page, in an element
//! of `index.html`, for each of the two would take the other's events for its own.

use gloo::events::EventListener;
use yew::prelude::*;

use crate::browser;
use crate::store::Looks;

/// Properties of [`SandboxPage`].
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct Props {
    /// How the page looks: the sandbox follows it.
    pub looks: Looks,
}

/// What stands there until the sandbox does. `boot.js` fetches it.
#[component]
pub fn SandboxPage(props: &Props) -> Html {
    let failed = use_state(|| false);
    {
        let failed = failed.clone();
        use_effect_with((), move |()| {
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
                    <p><strong>{ "The sandbox could not be fetched. Are you offline?" }</strong></p>
                    <button class="button primary" onclick={again}>{ "Try again" }</button>
                </div>
            } else {
                <p class="waiting sandbox-waiting" role="status">{ "Fetching the sandbox …" }</p>
            }
        </>
    }
}
