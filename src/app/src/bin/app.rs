//! The page.

fn main() {
    scale_lab::crash::catch_panics();
    yew::Renderer::<scale_lab::page::App>::with_root(scale_lab::browser::root()).render();
}
