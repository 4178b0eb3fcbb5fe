//! scale-course
