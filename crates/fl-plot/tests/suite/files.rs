//! The documents and files that come out, seen from outside.

use std::path::Path;

use fl_plot::{Axis, Curve, Figure, Legend, Panel, PlotError, Point, png, save, svg};

const HOSTILE: &str = "K<rum> & \"friends\" cost $5 'or' ]]> $6 \u{1b}[2J";

fn curve(name: &str, level: f64) -> Curve {
    let point = |i: u32| {
        let y = level * f64::from(i) / 80.0;
        Point::with_band(50.0 * f64::from(i), y, y - 0.02, y + 0.02)
    };
    Curve::new(name, (0..=80).map(point).collect())
}

fn figure(names: &[&str]) -> Figure {
    let curves = names.iter().enumerate().map(|(k, name)| curve(name, 0.1 + 0.1 * k as f64));
    let panel = Panel::new(Axis::new("round"), Axis::new("accuracy < 1 & > 0"), curves.collect());
    let mut figure = Figure::new(vec![panel]);
    figure.title = Some("seven & more <methods>".into());
    figure.footer = Some("configuration 12ab".into());
    figure
}

fn single(points: Vec<Point>) -> Figure {
    Figure::new(vec![Panel::new(Axis::new("x"), Axis::new("y"), vec![Curve::new("a", points)])])
}

/// Reads an XML document strictly enough for what a figure may contain, and returns its texts,
/// unescaped.
#[track_caller]
fn texts(document: &str) -> Vec<String> {
    let mut open: Vec<&str> = Vec::new();
    let mut texts = Vec::new();
    let mut rest = document.trim_end();
    let mut elements = 0;
    while !rest.is_empty() {
        let Some(start) = rest.find('<') else { panic!("text after the last element: {rest}") };
        let text = &rest[..start];
        assert!(!text.contains('>') && !text.contains("]]>"), "bare > in {text}");
        let plain = unescape(text);
        assert!(
            plain.chars().all(|c| c >= ' ' || "\n\t".contains(c)),
            "control character in {text:?}"
        );
        if !plain.trim().is_empty() {
            texts.push(plain);
        }
        let end = start + rest[start..].find('>').expect("every tag is closed");
        let tag = &rest[start + 1..end];
        assert!(!tag.contains('<'), "bare < in {tag}");
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "elements nest");
            assert!(!open.is_empty() || rest.is_empty(), "one root");
            continue;
        }
        elements += 1;
        let (tag, empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        let parts: Vec<&str> = attributes.split('"').collect();
        assert!(parts.len() % 2 == 1 && parts[parts.len() - 1].is_empty(), "quotes pair: {tag}");
        for pair in parts.chunks_exact(2) {
            assert!(pair[0].trim().strip_suffix('=').is_some_and(|n| !n.is_empty()), "{tag}");
            unescape(pair[1]);
        }
        if !empty {
            open.push(name);
        }
    }
    assert!(open.is_empty() && elements > 10, "{open:?}");
    texts
}

#[track_caller]
fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut parts = text.split('&');
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (name, rest) = part.split_once(';').expect("each & starts an entity");
        out.push_str(match name {
            "amp" => "&",
            "lt" => "<",
            "gt" => ">",
            "quot" => "\"",
            _ => panic!("unknown entity {name}"),
        });
        out.push_str(rest);
    }
    out
}

/// Width and height from the header of a PNG.
#[track_caller]
fn png_size(bytes: &[u8]) -> (u32, u32) {
    assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n");
    assert_eq!(&bytes[12..16], b"IHDR");
    assert!(bytes.ends_with(b"IEND\xaeB`\x82"));
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

#[test]
fn the_svg_is_well_formed_and_tells_each_name_whole() {
    let long = "a name that is much too long for the legend of a single narrow panel ".repeat(3);
    let names = ["Proposed", HOSTILE, "Krum & 1 < 2", long.trim()];
    for legend in [Legend::Auto, Legend::Right, Legend::Bottom, Legend::Hidden] {
        let mut figure = figure(&names);
        figure.legend = legend;
        let texts = texts(&svg(&figure).unwrap());
        for name in names {
            let name = name.replace('\u{1b}', "\u{fffd}");
            assert!(texts.contains(&name), "{name} is not in {texts:?}");
        }
        assert!(texts.contains(&"seven & more <methods>".into()));
        assert!(texts.contains(&"accuracy < 1 & > 0".into()));
        assert!(texts.contains(&"configuration 12ab".into()));
        let seen = texts.iter().filter(|t| *t == "Proposed").count();
        assert_eq!(
            seen,
            if legend == Legend::Hidden { 1 } else { 2 },
            "in the legend and on the curve"
        );
    }
}

#[test]
fn the_png_has_the_size_of_the_figure_times_the_scale() {
    let figure = figure(&["a"]);
    let (w, h) = (figure.width, figure.height);
    assert_eq!(png_size(&png(&figure, 1.0).unwrap()), (w, h));
    assert_eq!(png_size(&png(&figure, 3.0).unwrap()), (3 * w, 3 * h));
    assert_eq!(png_size(&png(&figure, 0.3).unwrap()), (w * 3 / 10, h * 3 / 10));
    for scale in [0.0, -1.0, f32::NAN, f32::INFINITY, 1000.0] {
        let error = png(&figure, scale).unwrap_err();
        assert!(matches!(error, PlotError::PngScale { .. }), "{scale}: {error}");
    }
}

#[test]
fn nothing_touches_the_border_of_the_png() {
    let names: Vec<String> =
        (0..9).map(|i| format!("resampling, s = {i}, and a long tail")).collect();
    let mut figure = figure(&names.iter().map(String::as_str).collect::<Vec<_>>());
    figure.title = Some("W".repeat(300));
    figure.footer = Some("f7".repeat(300));
    (figure.width, figure.height) = (600, 700);
    let picture = tiny_skia::Pixmap::decode_png(&png(&figure, 2.0).unwrap()).unwrap();
    let (w, h) = (picture.width(), picture.height());
    let white = |x: u32, y: u32| {
        let p = picture.pixel(x, y).unwrap();
        (p.red(), p.green(), p.blue(), p.alpha()) == (255, 255, 255, 255)
    };
    assert!((0..w).all(|x| white(x, 0) && white(x, h - 1)));
    assert!((0..h).all(|y| white(0, y) && white(w - 1, y)));
    let ink = (0..w * h).filter(|i| !white(i % w, i / w)).count();
    assert!(ink > 20_000, "the picture is not empty, got {ink} pixels");
}

#[test]
fn dashes_differ_in_the_pixels_too() {
    // A level line of 81 points: in the picture its row must show ink and gaps.
    let level = |name: &str, y: f64| {
        Curve::new(name, (0..=80).map(|i| Point::new(f64::from(i), y)).collect())
    };
    let curves = vec![level("solid", 0.75), level("dashed", 0.25)];
    let mut figure = Figure::new(vec![Panel::new(Axis::new(""), Axis::new(""), curves)]);
    figure.legend = Legend::Hidden;
    let picture = tiny_skia::Pixmap::decode_png(&png(&figure, 1.0).unwrap()).unwrap();
    let coloured = |x: u32, y: u32, colour: [u8; 3]| {
        let p = picture.pixel(x, y).unwrap();
        let far = |a: u8, b: u8| a.abs_diff(b) > 40;
        !(far(p.red(), colour[0]) || far(p.green(), colour[1]) || far(p.blue(), colour[2]))
    };
    let longest = |colour| {
        let row = |y| (0..figure.width).filter(|&x| coloured(x, y, colour)).count();
        (0..figure.height).map(row).max().unwrap_or(0)
    };
    let (solid, dashed) = (longest([0x00, 0x72, 0xb2]), longest([0xd5, 0x5e, 0x00]));
    assert!(solid > 600, "{solid}");
    assert!(solid / 2 < dashed && dashed < solid * 9 / 10, "{solid} {dashed}");
}

#[test]
fn the_same_figure_gives_the_same_bytes() {
    let (a, b) = (figure(&["a", HOSTILE, "c"]), figure(&["a", HOSTILE, "c"]));
    assert_eq!(svg(&a).unwrap(), svg(&b).unwrap());
    let here = png(&a, 2.0).unwrap();
    let there = std::thread::spawn(move || png(&b, 2.0).unwrap()).join().unwrap();
    assert_eq!(here, there);
}

#[test]
fn points_that_are_not_finite_are_gaps_and_never_a_panic() {
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e308, -1e308, 5e-324, 0.0, -0.0, 0.5];
    let mut points = Vec::new();
    for &x in &odd {
        for &y in &odd {
            points.push(Point::with_band(x, y, odd[points.len() % 9], odd[points.len() / 9 % 9]));
        }
    }
    for (x, y) in [
        (Axis::new("x"), Axis::new("y")),
        (Axis::new("x").log(), Axis::new("y").log()),
        (Axis::new("x").range(0.0, 1.0), Axis::new("y").range(0.1, 0.2)),
    ] {
        let panel = Panel::new(x, y, vec![Curve::new("odd", points.clone())]);
        let text = fl_plot::terminal(&panel, &fl_plot::Terminal::default()).unwrap();
        assert!(!text.contains("NaN"), "{text}");
        let figure = Figure::new(vec![panel]);
        let document = svg(&figure).unwrap();
        texts(&document);
        assert!(!document.contains("NaN") && !document.contains("inf"), "{document}");
        png(&figure, 1.0).unwrap();
    }
    // A gap divides the line, and a point between gaps is a dot.
    let values = [0.1, 0.2, f64::NAN, 0.3, f64::NAN, 0.4, 0.5, 0.6];
    let points = values.iter().enumerate().map(|(i, &y)| Point::new(i as f64, y)).collect();
    let document = svg(&single(points)).unwrap();
    let group = &document[document.find("<g><title>a</title>").unwrap()..];
    assert_eq!((group.matches("<polyline").count(), group.matches("<circle").count()), (2, 1));
}

#[test]
fn each_way_of_having_nothing_to_draw_has_its_own_error() {
    let check = |figure: &Figure, expected: &str| {
        let error = svg(figure).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert_eq!(png(figure, 1.0).unwrap_err().to_string(), error);
        assert!(!error.ends_with('.') && error.chars().next().is_some_and(char::is_lowercase));
    };
    check(&Figure::new(vec![]), "no panels");
    let axes = || (Axis::new("x"), Axis::new("y"));
    let panel = |curves| Panel::new(axes().0, axes().1, curves);
    let good = || panel(vec![curve("a", 0.5)]);
    check(&Figure::new(vec![good(), panel(vec![])]), "panel 2 has no curves");
    check(&Figure::new(vec![panel(vec![Curve::new("a", vec![])])]), "1 curves and not one point");
    check(
        &single(vec![Point::new(0.0, f64::NAN), Point::new(f64::INFINITY, 1.0)]),
        "none of the 2 points",
    );
    let mut log = single(vec![Point::new(1.0, 0.0)]);
    log.panels[0].y = Axis::new("y").log();
    check(&log, "not positive on a logarithmic axis");
    check(
        &Figure::new(vec![panel(vec![curve("a", 0.5), curve("a", 0.6)])]),
        "two curves named `a`",
    );

    let with = |change: fn(&mut Figure)| {
        let mut figure = Figure::new(vec![good(), good()]);
        change(&mut figure);
        figure
    };
    check(&with(|f| f.columns = 0), "at least 1 column");
    check(&with(|f| f.width = 10), "got 10×");
    check(&with(|f| f.height = 100_000), "×100000");
    check(&with(|f| f.width = 130), "pixels for a panel's curves, fewer than 50×50");
    check(&with(|f| f.footer = Some("long ".repeat(9000))), "×0 pixels");
    check(&with(|f| f.panels[1].y.range = Some((1.0, 0.0))), "y range of panel 2 is (1, 0)");
    check(&with(|f| f.panels[1].x.range = Some((f64::NAN, 0.0))), "x range of panel 2 is (NaN, 0)");
    check(
        &with(|f| f.panels[0].y = Axis::new("").log().range(0.0, 1.0)),
        "low > 0 on a logarithmic axis",
    );
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn save_writes_both_files_over_old_ones_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let stem = folder.path().join("new").join("fig7.final");
    let figure = figure(&["a"]);
    for _ in 0..2 {
        let [svg_path, png_path] = save(&figure, &stem).unwrap();
        assert_eq!(std::fs::read_to_string(svg_path).unwrap(), svg(&figure).unwrap());
        assert_eq!(std::fs::read(png_path).unwrap(), png(&figure, fl_plot::SAVE_SCALE).unwrap());
        assert_eq!(names_in(&folder.path().join("new")), ["fig7.final.png", "fig7.final.svg"]);
    }
}

#[cfg(unix)]
#[test]
fn saved_files_are_as_readable_as_any_new_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("plain"), "").unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode();
    let [svg_path, _] = save(&figure(&["a"]), &folder.path().join("a")).unwrap();
    assert_eq!(mode(&svg_path), mode(&folder.path().join("plain")));
}

#[test]
fn save_leaves_nothing_half_written_where_it_cannot_write() {
    let folder = tempfile::tempdir().unwrap();
    let figure = figure(&["a"]);

    // The folder is a file.
    let file = folder.path().join("file");
    std::fs::write(&file, "kept").unwrap();
    let error = save(&figure, &file.join("fig")).unwrap_err();
    assert!(matches!(&error, PlotError::Write { path, .. } if path.starts_with(&file)), "{error}");
    assert_eq!(names_in(folder.path()), ["file"]);

    // The place of a file is a folder.
    std::fs::create_dir(folder.path().join("fig.svg")).unwrap();
    let error = save(&figure, &folder.path().join("fig")).unwrap_err();
    assert!(error.to_string().contains("fig.svg"), "{error}");
    assert_eq!(names_in(folder.path()), ["fig.svg", "file"]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "kept");

    // A figure that cannot be drawn touches nothing, not even the folder.
    save(&Figure::new(vec![]), &folder.path().join("made").join("fig")).unwrap_err();
    assert_eq!(names_in(folder.path()), ["fig.svg", "file"]);

    assert!(matches!(save(&figure, Path::new("..")), Err(PlotError::Stem { .. })));
}

#[cfg(target_os = "linux")]
#[test]
fn save_into_a_folder_of_the_system_that_takes_no_files_is_an_error() {
    // Even the superuser cannot create files there.
    let error = save(&figure(&["a"]), Path::new("/proc/fig")).unwrap_err();
    assert!(matches!(error, PlotError::Write { .. }), "{error}");
}
