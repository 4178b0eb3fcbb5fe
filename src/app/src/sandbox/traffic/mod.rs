pub mod axis;
pub mod grip;
pub mod log;
pub mod mix;
pub mod shape;
pub mod trouble;
