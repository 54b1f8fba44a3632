package import Bulletins
import Synchronization

/// The metrics of one process: the values of everything in the catalog.
package final class Metrics: Sendable {
    private let values: [String: MetricValues]
    /// The values of the last hour.
    package let history = MetricHistory()

    /// Starts every metric of the catalog without a value.
    package init() {
        values = Dictionary(uniqueKeysWithValues: MetricCatalog.all.map { ($0.name, MetricValues($0)) })
    }

    /// Adds the current values to the history.
    package func sample(now: Timestamp) { history.add(self, now: now) }

    func values(of definition: MetricDefinition) -> MetricValues { values[definition.name] ?? MetricValues(definition) }

    /// All values in the text format of Prometheus (version 0.0.4), in the order of the catalog.
    package var text: String { MetricCatalog.all.compactMap { values[$0.name]?.text }.joined() }
}

/// A number that only grows.
package struct Counter: Sendable {
    private let values: MetricValues
    init(_ metrics: Metrics, _ definition: MetricDefinition) { values = metrics.values(of: definition) }
    /// Adds to the series of these labels, in the order of the definition.
    package func add(_ count: Int = 1, _ labels: String...) { values.add(Double(count), labels) }
}

/// A current value.
package struct Gauge: Sendable {
    private let values: MetricValues
    init(_ metrics: Metrics, _ definition: MetricDefinition) { values = metrics.values(of: definition) }
    package func set(_ value: Double, _ labels: String...) { values.set(value, labels) }
    package func set(_ isTrue: Bool, _ labels: String...) { values.set(isTrue ? 1 : 0, labels) }
}

/// A distribution of values over fixed bounds.
package struct Histogram: Sendable {
    private let values: MetricValues
    init(_ metrics: Metrics, _ definition: MetricDefinition) { values = metrics.values(of: definition) }
    package func observe(_ value: Double, _ labels: String...) { values.observe(value, labels) }
    /// Observes a duration, in seconds.
    package func observe(_ duration: Duration, _ labels: String...) {
        values.observe(duration / .seconds(1), labels)
    }

    /// The series of these labels, for a place that observes once per delivery: it looks no label up.
    package func series(_ labels: String...) -> HistogramSeries {
        HistogramSeries(values: values, index: values.index(of: labels))
    }
}

/// One series of a histogram.
package struct HistogramSeries: Sendable {
    fileprivate let values: MetricValues
    fileprivate let index: Int

    /// Observes a duration, in seconds.
    package func observe(_ duration: Duration) { values.observe(duration / .seconds(1), at: index) }
}

/// The series of one metric: one per combination of label values that occurred.
final class MetricValues: Sendable {
    /// One series. A counter and a gauge use the sum alone.
    private struct Series {
        /// Whether it has a value, and so appears in the text.
        var isUsed = false
        var sum = 0.0
        var count = 0
        /// The number of values up to each bound and no earlier one.
        var buckets: [Int]
    }

    private let definition: MetricDefinition
    private let bounds: [Double]
    private let series: Mutex<[Series]>

    init(_ definition: MetricDefinition) {
        self.definition = definition
        if case .histogram(let bounds) = definition.kind { self.bounds = bounds } else { bounds = [] }
        let empty = Series(buckets: Array(repeating: 0, count: bounds.count))
        series = Mutex(Array(repeating: empty, count: definition.labels.combinations))
    }

    func add(_ value: Double, _ labels: [String]) { change(labels) { $0.sum += value } }
    func set(_ value: Double, _ labels: [String]) { change(labels) { $0.sum = value } }

    func observe(_ value: Double, _ labels: [String]) { observe(value, at: index(of: labels)) }

    func observe(_ value: Double, at index: Int) {
        let bucket = bounds.firstIndex { value <= $0 }
        change(at: index) { series in
            series.sum += value
            series.count += 1
            if let bucket { series.buckets[bucket] += 1 }
        }
    }

    func index(of labels: [String]) -> Int { definition.labels.index(of: labels) }

    private func change(_ labels: [String], _ change: (inout Series) -> Void) {
        self.change(at: index(of: labels), change)
    }

    private func change(at index: Int, _ change: (inout Series) -> Void) {
        series.withLock { all in
            all[index].isUsed = true
            change(&all[index])
        }
    }

    /// The value of every series that exists, by its labels.
    var sums: [(labels: [String], value: Double)] {
        self.series.withLock { all in
            all.enumerated().filter(\.element.isUsed).map { index, series in
                (definition.labels.values(at: index), series.sum)
            }
        }
    }

    // MARK: - The text of Prometheus

    var text: String {
        let all = series.withLock(\.self)
        let lines = all.enumerated().filter(\.element.isUsed).flatMap { index, series in
            self.lines(series, definition.labels.values(at: index))
        }
        let help = definition.help.replacing("\\", with: "\\\\").replacing("\n", with: " ")
        let head = "# HELP \(definition.name) \(help)\n# TYPE \(definition.name) \(definition.kind.word)\n"
        return head + lines.map { $0 + "\n" }.joined()
    }

    private func lines(_ series: Series, _ values: [String]) -> [String] {
        guard !bounds.isEmpty else { return ["\(definition.name)\(labels(values)) \(Self.number(series.sum))"] }
        var (lines, total) = ([String](), 0)
        for (bound, count) in zip(bounds, series.buckets) {
            total += count
            lines.append("\(definition.name)_bucket\(labels(values, upTo: Self.number(bound))) \(total)")
        }
        lines.append("\(definition.name)_bucket\(labels(values, upTo: "+Inf")) \(series.count)")
        lines.append("\(definition.name)_sum\(labels(values)) \(Self.number(series.sum))")
        lines.append("\(definition.name)_count\(labels(values)) \(series.count)")
        return lines
    }

    private func labels(_ values: [String], upTo bound: String? = nil) -> String {
        var pairs = zip(definition.labels, values).map { "\($0.name)=\"\($1)\"" }
        if let bound { pairs.append("le=\"\(bound)\"") }
        return pairs.isEmpty ? "" : "{\(pairs.joined(separator: ","))}"
    }

    private static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
    }
}

extension MetricDefinition.Kind {
    package var word: String {
        switch self {
        case .counter: "counter"
        case .gauge: "gauge"
        case .histogram: "histogram"
        }
    }
}
