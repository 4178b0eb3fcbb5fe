//! A value that many components look at, told apart by where it lies: comparing whole lessons at every change would be slow.

use core::ops::Deref;
use std::rc::Rc;

/// A shared value that equals only itself.
#[derive(Debug)]
pub struct Handle<T>(Rc<T>);

impl<T> Handle<T> {
    /// What it shares.
    pub fn rc(&self) -> Rc<T> {
        Rc::clone(&self.0)
    }
}

impl<T> Clone for Handle<T> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<T> PartialEq for Handle<T> {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl<T> Deref for Handle<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> From<T> for Handle<T> {
    fn from(value: T) -> Self {
        Self(Rc::new(value))
    }
}

impl<T> From<Rc<T>> for Handle<T> {
    fn from(value: Rc<T>) -> Self {
        Self(value)
    }
}
