//! What the lab is.

use yew::prelude::*;

use super::Route;

/// What this is.
pub fn page() -> Html {
    html! {
        <div class="page narrow">
            <h1>{ "About Scale Lab" }</h1>
            <p class="lead">{ "A lab for how systems behave under load. You predict, you run, you see which request suffered and why." }</p>
            <h2>{ "What you see is computed" }</h2>
            <p>{ "Every scene is a discrete-event simulation that runs in your browser. A server is slow because its queue is long; a request is lost because there was no place left in the line. There is no percentage standing in for a mechanism. The same seed gives the same run, to the byte, here and on the command line." }</p>
            <p><a href={Route::Trust.href()}>{ "What the simulation models and leaves out, and how it is checked" }</a></p>
            <h2>{ "About the picture" }</h2>
            <p>{ "What stations do is shown exactly as it is at that moment: full squares work, crossed ones are held by a request that waits for an answer, dots in front of a box wait in its queue. The way between boxes takes no time in these scenes; the picture gives it some, so that an eye can follow. A full dot is a request, a ring its answer, a cross a request that was refused." }</p>
            <h2>{ "For everyone" }</h2>
            <p>{ "Everything works by keyboard, by finger and by mouse, at 320 px of width and at twice the size, with motion off, in light and dark. Whatever the picture shows can be read in words. Every screen is tested with axe-core against WCAG 2.2 AA by machines; people with disabilities have not tested it yet. The accessibility statement in the project's docs says what was tested and which limits are known." }</p>
            <h2>{ "Your data" }</h2>
            <p>{ "Progress stays in this browser. There is no account and no tracking. You can export it in the settings and take it elsewhere." }</p>
        </div>
    }
}
