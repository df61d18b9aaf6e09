//! Short training runs on one thread, for the test that they have the same bits in WebAssembly as elsewhere.

#[path = "../../nn-train/tests/bits/grid.rs"]
mod grid;

use wasm_bindgen::prelude::*;

/// The runs of nn-train's test of bits, as its file `checksums.txt` has them: a name and a checksum.
///
/// # Errors
///
/// A JavaScript `Error` if training fails, which it does not.
#[wasm_bindgen]
pub fn checksums() -> Result<Vec<String>, JsError> {
    let rows = grid::checksums()?;
    Ok(rows.into_iter().map(|(name, sum)| format!("{name} {sum:016x}")).collect())
}
