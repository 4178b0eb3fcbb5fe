//! What the lab is, and what its simulation shows and leaves out.

use yew::prelude::*;

/// What this is.
pub fn page() -> Html {
    html! {
        <div class="page narrow">
            <h1>{ "About Scale Lab" }</h1>
            <p class="lead">{ "A lab for how systems behave under load. You predict, you run, you see which request suffered and why." }</p>
            <h2>{ "What you see is computed" }</h2>
            <p>{ "Every scene is a discrete-event simulation that runs in your browser. A server is slow because its queue is long; a request is lost because there was no place left in the line. There is no percentage standing in for a mechanism. The same seed gives the same run, to the byte, here and on the command line." }</p>
            <h2>{ "What the components model" }</h2>
            <dl class="models">
                <dt>{ "Client" }</dt>
                <dd>{ "Models arrivals: at random (Poisson), evenly spaced, ramped, replayed from a log, or a closed loop of users who wait, then think. Does not model users who give up." }</dd>
                <dt>{ "Balancer" }</dt>
                <dd>{ "Models the choice of a target: in turn, or the one with the fewest open requests. Does not model the balancer's own limits." }</dd>
                <dt>{ "Service" }</dt>
                <dd>{ "Models identical instances, each with workers and a bounded queue, first come first served. A worker is held while it waits for an answer from elsewhere. Does not model shared processors, memory or failure." }</dd>
                <dt>{ "Database" }</dt>
                <dd>{ "Models a limited number of connections and a queue for them. Does not model rows, indexes, caches or replicas." }</dd>
            </dl>
            <h2>{ "About the picture" }</h2>
            <p>{ "What stations do is shown exactly as it is at that moment: full squares work, crossed ones are held by a request that waits for an answer, dots in front of a box wait in its queue. The way between boxes takes no time in these scenes; the picture gives it some, so that an eye can follow. A full dot is a request, a ring its answer, a cross a request that was refused." }</p>
            <h2>{ "Your data" }</h2>
            <p>{ "Progress stays in this browser. There is no account and no tracking. You can export it in the settings and take it elsewhere." }</p>
        </div>
    }
}
