/// A metric of the catalog: its name, its labels with all their values, and its meaning.
package struct MetricDefinition: Sendable {
    package enum Kind: Sendable, Equatable {
        /// A number that only grows.
        case counter
        /// A current value.
        case gauge
        /// A distribution, with the values counted up to each of these bounds.
        case histogram([Double])
    }

    package let name: String
    package let kind: Kind
    package let labels: [MetricLabel]
    /// The meaning of the metric, in one sentence.
    package let help: String
    /// The advice to an operator; empty if there is nothing to do.
    package let action: String

    package init(_ name: String, _ kind: Kind, _ help: String, action: String = "") {
        self.init(name, kind, [], help, action: action)
    }

    package init(_ name: String, _ kind: Kind, _ labels: [MetricLabel], _ help: String, action: String = "") {
        (self.name, self.kind, self.labels) = (name, kind, labels)
        (self.help, self.action) = (help, action)
    }

    /// The maximum number of series that the metric can have.
    package var seriesLimit: Int {
        let combinations = labels.reduce(1) { $0 * ($1.values.count + 1) }
        guard case .histogram(let bounds) = kind else { return combinations }
        // One series per bound, one without a bound, the sum and the count.
        return combinations * (bounds.count + 3)
    }
}

/// A label and every value that it may have. A value that is not listed counts as `other`, so that no input can make
/// series without end.
package struct MetricLabel: Sendable {
    package let name: String
    package let values: [String]

    package init(_ name: String, _ values: [String]) { (self.name, self.values) = (name, values) }

    /// The index of `value`. The last index is that of `other`.
    func index(of value: String) -> Int { values.firstIndex(of: value) ?? values.count }

    func value(at index: Int) -> String { index < values.count ? values[index] : "other" }
}

extension [MetricLabel] {
    /// The number of combinations of values.
    var combinations: Int { reduce(1) { $0 * ($1.values.count + 1) } }

    /// The index of a combination, given one value per label.
    func index(of values: [String]) -> Int {
        zip(self, values).reduce(0) { index, pair in
            index * (pair.0.values.count + 1) + pair.0.index(of: pair.1)
        }
    }

    /// The values of the combination at an index.
    func values(at index: Int) -> [String] {
        var (rest, values) = (index, [String]())
        for label in reversed() {
            values.append(label.value(at: rest % (label.values.count + 1)))
            rest /= label.values.count + 1
        }
        return values.reversed()
    }
}
