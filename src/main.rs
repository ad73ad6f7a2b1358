//! Arguments, signals, exit code; nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    combinado::cli::main()
}
