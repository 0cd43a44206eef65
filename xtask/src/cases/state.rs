//! State that is not what it says, and files that cannot be.

use super::trial::{Case, case};
use anyhow::Context;
use std::fs;

pub(super) const CASES: &[Case] = &[
    case("nameless-method-exclude", "missing key `name` with line and caret, code 2", |trial| {
        let output = trial.run(&["check", "p.toml"])?;
        Ok(output.seen(output.refused(&[2]) && output.has(&["name", "^"])))
    }),
    case("forged-checkpoint", "a checkpoint whose parts disagree is not taken", |trial| {
        trial.run(&["run", "c.toml", "--out", "out", "--quiet"])?;
        let find =
            trial.shell("find out -name 'checkpoint.safetensors' | sort | head -n 1", 5.0)?;
        let path = trial.folder.join(find.out.trim());
        let bytes = fs::read(&path).with_context(|| format!("{}", path.display()))?;
        fs::write(&path, forge_round(&bytes)?)?;
        let output =
            trial.run(&["run", "c.toml", "--out", "out", "--quiet", "--set", "rounds=400"])?;
        let taken = trial.shell("cat out/c/*/done.json", 5.0)?.out.contains("\"rounds\": 1000000");
        let right = output.code.is_some_and(|code| code < 100)
            && !taken
            && (output.warns(&["checkpoint"]) || output.code != Some(0));
        Ok(output.seen(right))
    }),
];

/// The checkpoint with another round in its tensor, and a checksum that fits.
fn forge_round(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let length = u64::from_le_bytes(bytes[..8].try_into()?) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length])?;
    let begin = header["round"]["data_offsets"][0].as_u64().context("no tensor `round`")? as usize;
    let stamp = header["__metadata__"]["robust-fl"].as_str().context("no stamp")?;
    let stamp: serde_json::Value = serde_json::from_str(stamp)?;
    let sum = stamp["xxh3"].as_str().context("no checksum")?;
    let mut forged = bytes.to_vec();
    let at = 8 + length + begin;
    forged[at..at + 8].copy_from_slice(&1_000_000u64.to_le_bytes());
    let place = forged
        .windows(sum.len())
        .position(|window| window == sum.as_bytes())
        .context("the checksum is not in the file")?;
    forged[place..place + sum.len()].fill(b'0');
    let digest = format!("{:032x}", xxhash_rust::xxh3::xxh3_128(&forged));
    forged[place..place + sum.len()].copy_from_slice(digest.as_bytes());
    Ok(forged)
}
