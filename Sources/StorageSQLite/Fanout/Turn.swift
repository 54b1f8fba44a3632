/// The fair order of a bulletin's deliveries. The n-th counts as if it had come n seconds after the first, in runs of
/// `run` that count alike: a run shares what was rendered, and its rows are neighbours in the table.
enum Turn {
    private static let run = 64

    /// The turns of the rows that a statement makes, in their order, from the turn `start` on, in milliseconds.
    static func sql(from start: String) -> String {
        "\(start) + \(run * 1000) * ((row_number() OVER () - 1) / \(run))"
    }
}
