import Bulletins
package import Storage

extension DeliveryFilter {
    /// A filter as people type it; nil selects all.
    package init(bulletin: String?, state: String?, endpoint: String?) throws(OperationError) {
        self.init(address: endpoint)
        if let bulletin { self.bulletin = try BulletinID(typed: bulletin) }
        guard let state else { return }
        guard let known = DeliveryState(rawValue: state) else {
            let names = DeliveryState.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalid("\(state) is no state; it is one of \(names)")
        }
        self.state = known
    }
}

/// A selection of deliveries to be tried again, as people type it; nil and an empty list stand for all.
package struct TypedRetry: Sendable {
    package var numbers: [Int64] = []
    package var bulletin: String?
    package var endpoint: String?
    package var since: String?
    package var until: String?
    package var state: String?

    package init() {}
}

extension RetrySelection {
    private static let states: [DeliveryState] = [.failed, .bounced, .suppressed, .delivered]

    package init(_ typed: TypedRetry) throws(OperationError) {
        self.init()
        if !typed.numbers.isEmpty { numbers = typed.numbers }
        if let text = typed.bulletin { bulletin = try BulletinID(typed: text) }
        address = typed.endpoint
        if let text = typed.since { since = try TypedText.time(text) }
        if let text = typed.until { until = try TypedText.time(text) }
        guard let text = typed.state else { return }
        guard let known = Self.states.first(where: { $0.rawValue == text }) else {
            let names = Self.states.map(\.rawValue).joined(separator: ", ")
            throw .invalid("\(text) is not tried again; --state is one of \(names)")
        }
        state = known
    }
}
