//! The sandbox: a Wasm of its own, which the page fetches when somebody goes there.

fn main() {
    scale_lab::crash::catch_panics();
    scale_lab::sandbox::serve();
}
