//! The page for a link that leads nowhere.

use yew::prelude::*;
use yew_router::prelude::*;

use super::{Route, use_title};

/// Says so, and shows the way back.
#[component]
pub fn NotFound() -> Html {
    use_title("Not found");
    html! {
        <div class="page narrow">
            <h1>{ "Nothing is routed here" }</h1>
            <p class="lead">{ "This link leads to no page of the lab. It may be mistyped, or from a newer version." }</p>
            <p><Link<Route> to={Route::Home} classes="button primary">{ "To the course map" }</Link<Route>></p>
        </div>
    }
}
