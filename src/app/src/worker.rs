//! The worker: [`Session`] behind the browser's messages.

use gloo::worker::{HandlerId, Worker, WorkerScope};

use crate::protocol::{Command, Reply};
use crate::session::Session;

/// Runs simulations off the page's thread.
#[derive(Debug)]
pub struct SimulationWorker {
    session: Session,
}

impl Worker for SimulationWorker {
    type Message = ();
    type Input = Command;
    type Output = Reply;

    fn create(_: &WorkerScope<Self>) -> Self {
        Self {
            session: Session::default(),
        }
    }

    fn update(&mut self, _: &WorkerScope<Self>, (): Self::Message) {}

    fn received(&mut self, scope: &WorkerScope<Self>, command: Command, id: HandlerId) {
        if let Some(reply) = self.session.handle(command) {
            scope.respond(id, reply);
        }
    }
}
