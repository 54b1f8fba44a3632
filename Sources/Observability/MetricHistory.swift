import Bulletins
import Synchronization

/// The last hour of all counters and gauges, for the operator's page.
///
/// Each sample holds the current values. Memory is bounded to 120 samples of the series that the catalog allows.
package final class MetricHistory: Sendable {
    /// The time between two samples.
    package static let interval = Duration.seconds(30)
    private static let length = 120

    /// The values at one time, by series.
    private struct Sample: Sendable {
        let time: Timestamp
        let values: [String: Double]
    }

    private let samples = Mutex<[Sample]>([])

    init() {}

    /// Adds the current values, and drops those that are an hour old.
    func add(_ metrics: Metrics, now: Timestamp) {
        var values: [String: Double] = [:]
        for definition in MetricCatalog.all {
            if case .histogram = definition.kind { continue }
            for (labels, value) in metrics.values(of: definition).sums {
                values[([definition.name] + labels).joined(separator: " ")] = value
            }
        }
        samples.withLock { samples in
            samples.append(Sample(time: now, values: values))
            if samples.count > Self.length { samples.removeFirst(samples.count - Self.length) }
        }
    }

    /// Every series with its points, oldest first: the time in milliseconds and the value. A series is named by its metric
    /// and the values of its labels.
    package var series: [String: [(time: Int64, value: Double)]] {
        var series: [String: [(time: Int64, value: Double)]] = [:]
        for sample in samples.withLock(\.self) {
            for (name, value) in sample.values { series[name, default: []].append((sample.time.milliseconds, value)) }
        }
        return series
    }
}
