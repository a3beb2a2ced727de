//! Haat's adapters: what the ports of `haat-domain` mean on a real machine.
//!
//! | module | port |
//! |---|---|
//! | [`db`] | `Store`, on SQLite and on PostgreSQL: one source, compiled once for each |
//! | [`password`] | `PasswordHasher`: bcrypt over a keyed digest; what other systems have hashed is verified too |
//! | [`token`] | `TokenIssuer`: JSON Web Tokens |
//! | [`clock`] | `Clock`: the system's |
//! | [`random`] | `Random`: the operating system's |
//! | [`workers`] | threads with a bounded queue, for whatever must not run on a server's own threads |

pub mod clock;
pub mod db;
pub mod password;
mod queue;
pub mod random;
#[cfg(feature = "testing")]
pub mod testing;
pub mod token;
pub mod workers;
