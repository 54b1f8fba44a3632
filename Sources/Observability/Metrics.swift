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
}

/// The series of one metric: one per combination of label values that occurred.
final class MetricValues: Sendable {
    /// One series. A counter and a gauge use the sum alone.
    private struct Series {
        var sum = 0.0
        var count = 0
        /// The number of values up to each bound and no earlier one.
        var buckets: [Int]
    }

    private let definition: MetricDefinition
    private let bounds: [Double]
    private let series: Mutex<[Series?]>

    init(_ definition: MetricDefinition) {
        self.definition = definition
        if case .histogram(let bounds) = definition.kind { self.bounds = bounds } else { bounds = [] }
        series = Mutex(Array(repeating: nil, count: definition.labels.combinations))
    }

    func add(_ value: Double, _ labels: [String]) { change(labels) { $0.sum += value } }
    func set(_ value: Double, _ labels: [String]) { change(labels) { $0.sum = value } }

    func observe(_ value: Double, _ labels: [String]) {
        let bucket = bounds.firstIndex { value <= $0 }
        change(labels) { series in
            series.sum += value
            series.count += 1
            if let bucket { series.buckets[bucket] += 1 }
        }
    }

    private func change(_ labels: [String], _ change: (inout Series) -> Void) {
        let index = definition.labels.index(of: labels)
        self.series.withLock { all in
            var series = all[index] ?? Series(buckets: Array(repeating: 0, count: bounds.count))
            all[index] = nil
            change(&series)
            all[index] = series
        }
    }

    /// The value of every series that exists, by its labels.
    var sums: [(labels: [String], value: Double)] {
        self.series.withLock { all in
            all.enumerated().compactMap { index, series in
                series.map { (definition.labels.values(at: index), $0.sum) }
            }
        }
    }

    // MARK: - The text of Prometheus

    var text: String {
        let all = series.withLock(\.self)
        let lines = all.enumerated().flatMap { index, series in
            series.map { self.lines($0, definition.labels.values(at: index)) } ?? []
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
