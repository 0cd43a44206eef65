//! `fl-cli aggregate` on a file for each client.

use crate::common::Room;
use serde_json::Value;

/// A file of the tensors `w`, with two numbers, and `steps`, with one integer.
fn client(w: [f32; 2], steps: i64) -> Vec<u8> {
    let header = r#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"steps":{"dtype":"I64","shape":[1],"data_offsets":[8,16]}}"#;
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    w.iter().for_each(|x| bytes.extend_from_slice(&x.to_le_bytes()));
    bytes.extend_from_slice(&steps.to_le_bytes());
    bytes
}

fn room() -> Room {
    let room = Room::new();
    for c in 0..5u8 {
        let x = f32::from(c);
        room.write(format!("in/c{c}.safetensors"), client([x, -x], 7));
    }
    room
}

/// The numbers of `w` in an output.
fn numbers(room: &Room) -> Vec<f32> {
    let bytes = std::fs::read(room.path("out.safetensors")).unwrap();
    let data = &bytes[bytes.len() - 16..bytes.len() - 8];
    data.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
}

const TO: [&str; 2] = ["--output", "out.safetensors"];

#[test]
fn files_of_clients_become_one_file() {
    let room = room();
    let run = |more: &[&str]| room.run(&[&["aggregate"], more, &TO].concat());
    run(&["--rule", "coordinate-median", "--byzantine", "2", "--input", "in/*.safetensors"])
        .expect(0, &["wrote"]);
    assert_eq!(numbers(&room), [2.0, -2.0]);
    // A folder, and what a shell makes of a pattern.
    run(&["--rule", "mean", "--input", "in"]).expect(0, &[]);
    let files = ["in/c1.safetensors", "in/c2.safetensors"];
    run(&[&["--rule", "mean", "--input"], &files[..]].concat()).expect(0, &[]);
    assert_eq!(numbers(&room), [1.5, -1.5]);
    // A list, weights by name, and JSON.
    room.write("list.txt", "in/c0.safetensors\nin/c4.safetensors\n");
    room.write("weights.txt", "c4.safetensors 3\nin/c0.safetensors, 1\n");
    let said = run(&[
        "--rule",
        "weighted-mean",
        "--list",
        "list.txt",
        "--weights",
        "weights.txt",
        "--json",
        "--shares",
    ])
    .expect(0, &[]);
    assert_eq!(numbers(&room), [3.0, -3.0]);
    let told: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(told["groups"][0]["weights"], serde_json::json!([0.25, 0.75]));
    assert_eq!(told["shares"][0]["tensor"], "w");
    // Models: the output is the base and the mean of the differences.
    room.write("base.safetensors", client([10.0, 10.0], 9));
    run(&["--rule", "mean", "--input", "in", "--base", "base.safetensors", "--memory", "64MiB"])
        .expect(0, &[]);
    assert_eq!(numbers(&room), [2.0, -2.0]);
}

#[test]
fn a_plan_says_the_cost_and_writes_nothing() {
    let room = room();
    let arguments = ["aggregate", "--rule", "krum", "--byzantine", "1", "--input", "in", "--plan"];
    let said = room.run(&arguments).expect(0, &[]).out;
    for told in ["5 clients, 1 tensors of 2 numbers", "first pass: 40 bytes", "memory: at least"] {
        assert!(said.contains(told), "{said}");
    }
    let said = room.run(&[&arguments[..], &["--json"]].concat()).expect(0, &[]).out;
    let told: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&told["first_pass"], &told["output"]), (&40.into(), &16.into()));
    // The integers of all clients are compared.
    assert_eq!((&told["copied"], &told["columns_pass"]), (&40.into(), &0.into()));
    let aksel = ["aggregate", "--rule", "aksel", "--input", "in", "--plan", "--json", "--shares"];
    let told: Value = serde_json::from_str(&room.run(&aksel).expect(0, &[]).out).unwrap();
    assert_eq!((&told["columns_pass"], &told["shares_pass"]), (&40.into(), &40.into()));
    assert!(!room.path("out.safetensors").exists());
}

#[test]
fn mistakes_are_told_before_a_number_is_read() {
    let room = room();
    let run = |more: &[&str]| room.run(&[&["aggregate"], more, &TO].concat());
    let mean = |more: &[&str]| run(&[&["--rule", "mean"], more].concat());
    mean(&["--input", "none/*.safetensors"]).expect(3, &["no file matches the pattern"]);
    mean(&["--input", "in", "in/c1.safetensors"]).expect(3, &["the client appears twice"]);
    mean(&["--input", "in", "--memory", "10KB"]).expect(2, &["memory: at least"]);
    mean(&["--input", "in", "--memory", "much"]).expect(2, &["expected bytes as in 512MiB"]);
    mean(&["--input", "in", "--per", "("])
        .expect(2, &["--per: expected whole, tensor or a pattern"]);
    mean(&["--input", "in", "--weights", "none.txt"]).expect(3, &["cannot read none.txt"]);
    run(&["--rule", "krumm", "--input", "in"]).expect(2, &["did you mean `krum`?"]);
    run(&["--rule", "krum", "--byzantine", "3", "--input", "in"])
        .expect(2, &["krum: the number of messages must be at least 6", "got 5"]);
    room.write("in/c9.safetensors", client([0.0, f32::NAN], 8));
    mean(&["--input", "in"])
        .expect(3, &["c9.safetensors: tensor \"steps\" of type I64 is not averaged"]);
    mean(&["--input", "in", "--skip", "steps", "--refuse-non-finite"])
        .expect(3, &["c9.safetensors: tensor \"w\": number 1 is not finite"]);
    assert!(!room.path("out.safetensors").exists());
    mean(&["--input", "in", "--skip", "steps"])
        .expect(0, &["tensor \"steps\" is skipped", "c9.safetensors was left out of all tensors"]);
    mean(&["--input", "in", "--header", "true"]).expect(2, &["--header is about a text"]);
    mean(&["--input", "in", "--skip", "stops"]).expect(2, &["no tensor's name matches \"stops\""]);
    mean(&["--input", "in", "--base", "in/c1.safetensors"])
        .expect(3, &["c1.safetensors: it is the base"]);
    mean(&["--input", "in", "--per", "layer"]).expect(2, &["no tensor's name matches \"layer\""]);
    room.write("pickled/c1.pkl", "");
    mean(&["--input", "pickled/c1.pkl"]).expect(3, &["a pickle can run any program"]);
    mean(&["--input", "pickled"]).expect(3, &["c1.pkl: a pickle can run any program"]);
    mean(&["--input", "in", "--adapters", "0"])
        .expect(2, &["expected stack or a rank of at least 1"]);
    mean(&["--input", "in", "--adapters", "stack"])
        .expect(3, &["tensor \"w\": it is no factor of an adapter"]);
    // A matrix is no file of a client.
    room.write("m.csv", "1,2\n3,4\n");
    mean(&["--input", "m.csv", "--per", "tensor"])
        .expect(2, &["--per is about files of one client each"]);
    room.run(&["aggregate", "--rule", "mean", "--input", "in"])
        .expect(2, &["--output FILE is needed"]);
}

#[test]
fn adapters_become_one_of_the_rank_that_is_asked_for() {
    let room = Room::new();
    // B A of 2 × 1 and 1 × 2 numbers: the clients' products are [[x, 0], [0, 0]] and [[0, 0], [0, x]].
    let header = r#"{"q.lora_A.weight":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"q.lora_B.weight":{"dtype":"F32","shape":[2,1],"data_offsets":[8,16]}}"#;
    for (name, numbers) in [("a", [1.0f32, 0.0, 4.0, 0.0]), ("b", [0.0, 1.0, 0.0, 3.0])] {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend(numbers.iter().flat_map(|x| x.to_le_bytes()));
        room.write(format!("in/{name}.safetensors"), bytes);
    }
    let run = |adapters: &str| {
        let arguments =
            ["aggregate", "--rule", "mean", "--input", "in", "--json", "--adapters", adapters];
        let said = room
            .run(&[&arguments[..], &TO].concat())
            .expect(0, &["its configuration needs this rank"]);
        serde_json::from_str::<Value>(&said.out).unwrap()["adapter"].clone()
    };
    assert_eq!(run("stack"), serde_json::json!({ "rank": 2, "relative_error": 0.0 }));
    // Of the singular values 2 and 1.5 the first is kept.
    let nearest = run("1");
    assert!((nearest["relative_error"].as_f64().unwrap() - 0.6).abs() < 1e-12, "{nearest}");
    room.run(&["aggregate", "--rule", "mean", "--input", "in", "--output", "out.safetensors"])
        .expect(3, &["the option `adapters` aggregates the products"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_limit_on_the_size_of_files_leaves_nothing_half_written() {
    let room = Room::new();
    let numbers = 1 << 18;
    let header = format!(
        r#"{{"w":{{"dtype":"F32","shape":[{numbers}],"data_offsets":[0,{}]}}}}"#,
        4 * numbers
    );
    for c in 0..3u8 {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header.as_bytes());
        bytes.resize(bytes.len() + 4 * numbers, c);
        room.write(format!("in/{c}.safetensors"), bytes);
    }
    // Half of the output fits; the signal that would end the program is ignored, so that writing fails as on a full disk.
    let program = env!("CARGO_BIN_EXE_fl-cli");
    let script = format!(
        "trap '' XFSZ; ulimit -f 1000; exec '{program}' aggregate --rule mean --input in --output out.safetensors"
    );
    let said = std::process::Command::new("bash")
        .args(["-c", &script])
        .current_dir(room.path(""))
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&said.stderr);
    assert_eq!(said.status.code(), Some(3), "{err}");
    assert!(err.contains("out.safetensors: cannot write it"), "{err}");
    assert!(err.contains("nothing was written"), "{err}");
    let left: Vec<_> = std::fs::read_dir(room.path("")).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}
