//! customers.

use crate::routes::Pages;
use actix_web::Error;
use actix_web::dev::{ServiceFactory, ServiceRequest};

pub(crate) fn pages<S>(pages: Pages<S>) -> Pages<S>
where
    S: ServiceFactory<ServiceRequest, Config = (), Error = Error, InitError = ()>,
{
    pages
}
