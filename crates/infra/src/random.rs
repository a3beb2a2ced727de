//! Secrets from the operating system.

use haat_domain::error::{Error, Result};
use haat_domain::ports::Random;

/// The operating system's random numbers.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsRandom;

impl Random for OsRandom {
    fn secret(&self) -> Result<[u8; 16]> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(Error::internal)?;
        Ok(bytes)
    }
}
