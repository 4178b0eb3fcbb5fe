//! The page for a link that leads nowhere.

use yew::prelude::*;

use super::Route;

/// Says so, and shows the way back.
pub fn page() -> Html {
    html! {
        <div class="page narrow">
            <h1>{ "Nothing is routed here" }</h1>
            <p class="lead">{ "This link leads to no page of the lab. It may be mistyped, or from a newer version." }</p>
            <p><a href={Route::Home.href()} class="button primary">{ "To the course map" }</a></p>
        </div>
    }
}
