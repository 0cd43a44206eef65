//! Makes updates of a transformer with about 100 million parameters: ten clients, three of them poisoned.
//!
//! `cargo run --release -p fl-updates --example poisoned_transformer -- FOLDER [WIDTH] [LAYERS]` writes
//! `client-0.safetensors` to `client-9.safetensors` in BF16. Honest clients send a common direction and noise of their own.
//! Clients 7 and 8 send −4 times what they should. Client 9 is honest but in one small tensor, `final_norm.weight`, which it
//! sends 100 times too large.

use half::bf16;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

const VOCABULARY: usize = 16_384;
const CONTEXT: usize = 1024;

/// Names and shapes of a decoder with tied embeddings.
fn tensors(width: usize, layers: usize) -> Vec<(String, Vec<usize>)> {
    let mut all = vec![
        ("embedding.weight".to_owned(), vec![VOCABULARY, width]),
        ("position.weight".to_owned(), vec![CONTEXT, width]),
    ];
    for layer in 0..layers {
        for (name, shape) in [
            ("attention_norm.weight", vec![width]),
            ("attention.qkv.weight", vec![3 * width, width]),
            ("attention.output.weight", vec![width, width]),
            ("feed_forward_norm.weight", vec![width]),
            ("feed_forward.up.weight", vec![4 * width, width]),
            ("feed_forward.down.weight", vec![width, 4 * width]),
        ] {
            all.push((format!("layers.{layer}.{name}"), shape));
        }
    }
    all.push(("final_norm.weight".to_owned(), vec![width]));
    all
}

/// Numbers in [−1, 1) that depend on their address alone.
fn number(seed: u64, k: u64) -> f32 {
    let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ k;
    for _ in 0..2 {
        x = (x ^ (x >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    }
    (x >> 40) as f32 / (1u32 << 23) as f32 - 1.0
}

fn write(path: &Path, client: u64, tensors: &[(String, Vec<usize>)]) -> std::io::Result<()> {
    let (mut entries, mut at) = (Vec::new(), 0);
    for (name, shape) in tensors {
        let end = at + 2 * shape.iter().product::<usize>();
        entries.push(format!(
            r#"{name:?}:{{"dtype":"BF16","shape":{shape:?},"data_offsets":[{at},{end}]}}"#
        ));
        at = end;
    }
    let header = format!("{{{}}}", entries.join(","));
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    file.write_all(&(header.len() as u64).to_le_bytes())?;
    file.write_all(header.as_bytes())?;
    let mut k = 0;
    for (name, shape) in tensors {
        let factor = match client {
            7 | 8 => -4.0,
            9 if name == "final_norm.weight" => 100.0,
            _ => 1.0,
        };
        for _ in 0..shape.iter().product::<usize>() {
            let x = 1e-3 * (number(0, k) + number(client + 1, k));
            file.write_all(&bf16::from_f32(factor * x).to_le_bytes())?;
            k += 1;
        }
    }
    file.flush()
}

fn main() -> std::io::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let Some(folder) = words.first().map(Path::new) else {
        eprintln!("usage: poisoned_transformer FOLDER [WIDTH] [LAYERS]");
        std::process::exit(2);
    };
    let size = |i: usize, default| words.get(i).and_then(|w| w.parse().ok()).unwrap_or(default);
    let tensors = tensors(size(1, 768), size(2, 12));
    fs::create_dir_all(folder)?;
    for client in 0..10 {
        write(&folder.join(format!("client-{client}.safetensors")), client, &tensors)?;
    }
    let numbers: usize = tensors.iter().map(|(_, shape)| shape.iter().product::<usize>()).sum();
    println!("10 clients, {} tensors of {numbers} numbers in all", tensors.len());
    Ok(())
}
