//! The `ramal` binary: the command line does what the arguments say, or gives way to the window.

use std::process::ExitCode;

use ramal::cli::{self, Face};

fn main() -> ExitCode {
    match cli::main(std::env::args_os().collect()) {
        Face::Done(code) => code,
        Face::Window { .. } => ExitCode::FAILURE,
    }
}
