import Bulletins
import GRDB
import Storage

/// Corrects times of events that a clock ahead of now has written, since retention and the order of deliveries depend on
/// them. It walks each table by its ids in short stretches, and only after the clock was seen to go back.
struct TimeWalk: Sendable {
    let limits: ClockLimits
    let now: Timestamp

    struct Place: Sendable {
        var table: Int
        var number: Int64
    }

    struct Step: Sendable {
        /// The place of the walk before this step and after it; nil at its end.
        let from: Place
        let next: Place?
        /// The last id of the stretch, and the rules that find something to correct in it.
        let end: Int64
        let due: [Int]
    }

    /// One table: the id by which it is walked, and its corrections. `?1` is now, `?2` the furthest that an event's time may
    /// be.
    struct Table: Sendable {
        let name: String
        var number = "id"
        var rules: [(ahead: String, set: String)]

        /// `events` are the columns that hold times of events.
        init(_ name: String, number: String = "id", events: [String], _ more: [(ahead: String, set: String)] = []) {
            self.name = name
            self.number = number
            let ahead = events.map { "\($0) > ?2" }.joined(separator: " OR ")
            let set = events.map { "\($0) = min(\($0), ?1)" }.joined(separator: ", ")
            rules = [(ahead, set)] + more
        }
    }

    /// Deliveries come before their bulletins, by whose times they are judged.
    static let tables = [
        Table(
            "deliveries", events: ["started_at", "finished_at"],
            [
                // The n-th delivery of a bulletin counts as if it had come n seconds after the first.
                (
                    """
                    state = 'pending' AND turn > ?2
                        AND turn > ?2 + 1000 * (SELECT made FROM bulletins b WHERE b.id = deliveries.bulletin)
                    """, "turn = ?1, due_at = min(due_at, ?1)"
                ),
                (
                    """
                    state = 'pending' AND digest_at > ?2 AND digest_at > ?2
                        + (SELECT digest_period FROM subscriptions s WHERE s.id = deliveries.subscription)
                    """, WaitRule.digestSet
                ),
            ]),
        Table(
            "bulletins", events: ["received_at", "first_received_at", "routed_at", "completed_at"],
            [("routed_at IS NULL AND turn > ?2 + 1000 * made", "turn = ?1")]),
        Table("attempts", number: "delivery", events: ["started_at"]),
        Table("refusals", events: ["received_at", "requeued_at"]),
        Table("bounces", events: ["received_at"]),
        Table("notices", events: ["created_at"]),
        Table("subscribers", events: ["created_at"]),
        Table("endpoints", events: ["created_at", "verified_at", "fetched_at", "failed_at"]),
        Table("subscriptions", events: ["created_at", "ended_at"]),
        Table("hub_subscriptions", events: ["created_at", "renewed_at", "ended_at", "pushed_at", "failed_at"]),
        Table("hub_attempts", number: "subscription", events: ["started_at"]),
        Table("hub_requests", events: ["created_at"]),
    ]

    /// Rows of a table that one step passes.
    private static let stretch = 2000

    /// The place of the walk; nil if none is under way.
    static func place(_ db: Database) throws -> Place? {
        try db.prepared("SELECT walk, walk_number FROM clock_mark WHERE walk IS NOT NULL").first([]) {
            Place(table: Int($0.integer(0)), number: $0.integer(1))
        }
    }

    /// Finds the corrections of the next stretch, without the writer's lock.
    func look(_ place: Place, _ db: Database) throws -> Step {
        guard place.table < Self.tables.count else { return Step(from: place, next: nil, end: 0, due: []) }
        let table = Self.tables[place.table]
        let end = try db.number(
            """
            SELECT max(number) FROM
                (SELECT \(table.number) AS number FROM \(table.name) WHERE \(table.number) > ? ORDER BY 1 LIMIT ?)
            """, [place.number, Self.stretch])
        guard let end else {
            return Step(from: place, next: Place(table: place.table + 1, number: 0), end: place.number, due: [])
        }
        let due = try table.rules.indices.filter { rule in
            try db.number(
                "SELECT ?1 FROM \(table.name) \(condition(table, rule)) LIMIT 1", values(place.number, end)) != nil
        }
        return Step(from: place, next: Place(table: place.table, number: end), end: end, due: due)
    }

    /// Applies the corrections, notes the progress of the walk, and returns how many rows have changed.
    func take(_ step: Step, _ db: Database) throws -> Int {
        // The clock may have gone back once more in the meantime, so that the walk began anew.
        guard let place = try Self.place(db), place.table == step.from.table, place.number == step.from.number else {
            return 0
        }
        var count = 0
        for rule in step.due {
            let table = Self.tables[place.table]
            try db.run(
                "UPDATE \(table.name) SET \(table.rules[rule].set) \(condition(table, rule))",
                values(place.number, step.end))
            count += db.changesCount
            // Feeds tell these times.
            if table.name == "bulletins" { try db.run("UPDATE feed_generation SET number = number + 1") }
        }
        try db.run(
            "UPDATE clock_mark SET walk = ?, walk_number = ?",
            [step.next.map { Int64($0.table) }, step.next?.number ?? 0])
        return count
    }

    private func condition(_ table: Table, _ rule: Int) -> String {
        "WHERE \(table.number) > ?3 AND \(table.number) <= ?4 AND (\(table.rules[rule].ahead))"
    }

    private func values(_ number: Int64, _ end: Int64) -> [(any Bindable)?] {
        [now.milliseconds, (now + limits.slack).milliseconds, number, end]
    }
}
