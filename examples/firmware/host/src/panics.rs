//! Searches an image for panic routines. Every panic ends in the image's panic handler, so an image
//! that contains neither the handler nor any of the standard library's panic routines can't panic.

use crate::Result;
use crate::elf::{Elf, Function};
use crate::image::Image;

/// A panic routine in an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panic {
    /// Its name.
    pub routine: String,
    /// The functions that call it directly.
    pub callers: Vec<String>,
}

impl std::fmt::Display for Panic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let callers = if self.callers.is_empty() {
            "no function directly"
        } else {
            &*self.callers.join(", ")
        };
        write!(f, "{} is called from {callers}", self.routine)
    }
}

/// The panic routines in an image.
///
/// # Errors
/// The image can't be read.
pub fn find(image: Image) -> Result<Vec<Panic>> {
    let functions = Elf::of(image)?.functions()?;
    let routines = functions.iter().filter(|function| is_panic(&function.name));
    Ok(routines
        .map(|routine| Panic {
            routine: routine.name.clone(),
            callers: callers(&functions, routine),
        })
        .collect())
}

fn callers(functions: &[Function], routine: &Function) -> Vec<String> {
    let calls = |function: &&Function| function.targets().contains(&routine.start);
    let mut names: Vec<String> =
        functions.iter().filter(calls).map(|caller| caller.name.clone()).collect();
    names.dedup();
    names
}

/// The handler, the standard library's panic module, and the short functions that only call it.
fn is_panic(name: &str) -> bool {
    const HANDLERS: [&str; 3] = ["rust_begin_unwind", "panic_handler", "panicked"];
    let last = name.rsplit("::").next().unwrap_or(name);
    let in_core = name.starts_with("core::") || name.starts_with("<core::");
    HANDLERS.contains(&last)
        || name.contains("core::panicking::")
        || (in_core
            && (last.contains("panic") || last.ends_with("_fail") || last.ends_with("_failed")))
}
