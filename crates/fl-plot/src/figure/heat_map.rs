//! A table whose numbers are shown as colours.

/// A table of numbers as colours: workers × classes, rules × attacks.
///
/// The picture's size follows from the table. Where rows or columns are so many that their names
/// would touch, every second, third … is named.
///
/// ```
/// use fl_plot::HeatMap;
///
/// let mut map = HeatMap::new(["Krum", "median"], ["none", "sign flipping", "noise"], vec![
///     0.88, 0.87, 0.88, //
///     0.90, 0.91, f64::NAN,
/// ]);
/// map.row_label = "rule".into();
/// map.column_label = "attack".into();
/// map.value_label = "accuracy".into();
/// map.range = Some((0.0, 1.0));
/// map.digits = Some(2);
/// let svg = map.svg()?;
/// assert!(svg.contains("sign flipping") && svg.contains(">0.91<"));
/// # Ok::<(), fl_plot::PlotError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct HeatMap {
    /// Text above everything.
    pub title: Option<String>,
    /// Small print under everything.
    pub footer: Option<String>,
    /// Names of the rows, from the top.
    pub rows: Vec<String>,
    /// Names of the columns, from the left.
    pub columns: Vec<String>,
    /// What the rows are; empty for none.
    pub row_label: String,
    /// What the columns are; empty for none.
    pub column_label: String,
    /// What the numbers are, beside the colours' scale; empty for none.
    pub value_label: String,
    /// The numbers, row by row. One that is not finite is left blank and crossed out.
    pub values: Vec<f64>,
    /// The numbers of the lightest and the darkest colour; from nought, or the least if that is
    /// below, to the greatest if left out. What lies outside has the colour of the nearer end.
    pub range: Option<(f64, f64)>,
    /// Digits behind the point of the numbers in the cells; none are written if left out, or where
    /// they do not fit.
    pub digits: Option<usize>,
}

impl HeatMap {
    /// A map without title and labels.
    #[must_use]
    pub fn new<R: Into<String>, C: Into<String>>(
        rows: impl IntoIterator<Item = R>,
        columns: impl IntoIterator<Item = C>,
        values: Vec<f64>,
    ) -> Self {
        Self {
            title: None,
            footer: None,
            rows: rows.into_iter().map(Into::into).collect(),
            columns: columns.into_iter().map(Into::into).collect(),
            row_label: String::new(),
            column_label: String::new(),
            value_label: String::new(),
            values,
            range: None,
            digits: None,
        }
    }
}
