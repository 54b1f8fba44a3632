import Bulletins
import GRDB

/// The final states of a bulletin's deliveries, for its last receipt.
struct DeliveryCounts: Sendable {
    private var totals: [String: Int64] = ["delivered": 0, "failed": 0, "suppressed": 0, "expired": 0]
    private var byChannel = JSONObject()

    /// The counts of a bulletin that nobody hears.
    init() {}

    init(of bulletin: Int64, _ db: Database) throws {
        let counts = try db.prepared(
            "SELECT channel, state, count(*) FROM deliveries WHERE bulletin = ? GROUP BY channel, state")
        try counts.each([bulletin]) { row in
            let (channel, state, count) = (row.text(0), row.text(1), row.integer(2))
            totals[state, default: 0] += count
            var states = JSONObject()
            if case .object(let known) = byChannel[channel] { states = known }
            states[state] = .integer(count)
            byChannel[channel] = .object(states)
        }
    }

    /// The members of the receipt.
    var details: [JSONObject.Member] {
        totals.sorted { $0.key < $1.key }.map { ($0.key, .integer($0.value)) } + [("byChannel", .object(byChannel))]
    }
}
