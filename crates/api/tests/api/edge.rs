//! What the server does for every request, whatever it is about.

mod headers;
mod limits;
mod reach;
mod reading;
mod tags;
mod watched;
mod wire;
