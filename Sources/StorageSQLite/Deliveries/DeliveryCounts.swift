import Bulletins
import GRDB
import Storage

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

    /// By channel and state, as the column `counts` holds it.
    var stored: String { JSONWriter.text(.object(byChannel)) }

    /// Reads the column.
    static func read(_ stored: String) throws -> [String: [String: Int]] {
        guard case .object(let channels) = try JSONParser.parse(Array(stored.utf8)) else { return [:] }
        return channels.members.reduce(into: [:]) { found, channel in
            guard case .object(let states) = channel.value else { return }
            for (state, count) in states.members {
                if let count = count.integerValue, count > 0 { found[channel.key, default: [:]][state] = Int(count) }
            }
        }
    }

    /// Notes that one of a complete bulletin's deliveries has come into another state.
    static func move(
        _ channel: Channel, from old: DeliveryState, to new: DeliveryState, of bulletin: Int64, _ db: Database
    ) throws {
        let (from, to) = ("$.\(channel.rawValue).\(old.rawValue)", "$.\(channel.rawValue).\(new.rawValue)")
        try db.run(
            """
            UPDATE bulletins SET counts = json_set(counts, ?2, coalesce(counts ->> ?2, 0) - 1, ?3, coalesce(counts ->> ?3, 0) + 1)
            WHERE id = ?1 AND counts IS NOT NULL
            """, [bulletin, from, to])
    }

    /// The members of the receipt.
    var details: [JSONObject.Member] {
        totals.sorted { $0.key < $1.key }.map { ($0.key, .integer($0.value)) } + [("byChannel", .object(byChannel))]
    }
}
