import Bulletins
import GRDB
import Storage

/// Turns recorded bulletins into deliveries within one transaction.
///
/// A bulletin goes first to the receivers of what it corrects, withdraws or answers (`ReceiverWalk`), then to its matches
/// (`MatchWalk`). Its cursor is kept with it, so that a large bulletin goes on where it stopped, also after a crash.
struct BulletinRouter {
    private let db: Database
    private let now: Timestamp
    /// The work that is left to this transaction, counted in rows of the subscriptions' index.
    private var limit: Int
    private var step = FanoutStep()

    private let receipts: ReceiptWriter
    private let feedItems: FeedItems
    private let mostUrgent: Prepared
    private let markRouted: Prepared
    private let hubChanges: HubChanges
    private let counter: NewDeliveries
    private var matches: MatchWalk
    /// The deliveries of the present bulletin, by channel.
    private var madeByChannel = JSONObject()

    /// The cost of a bulletin that matches nobody, in rows.
    private static let bulletinCost = 20

    init(db: Database, now: Timestamp, limit: Int) throws {
        (self.db, self.now, self.limit) = (db, now, limit)
        receipts = try ReceiptWriter(db: db, now: now)
        feedItems = try FeedItems(db, now: now)
        mostUrgent = try db.prepared(Self.select + " ORDER BY urgency DESC, turn, id LIMIT ?")
        hubChanges = try HubChanges(db)
        markRouted = try db.prepared(
            "UPDATE bulletins SET routed_at = ?1, completed_at = ?2, counts = iif(?2 IS NULL, NULL, '{}') WHERE id = ?3"
        )
        counter = try NewDeliveries(db)
        matches = try MatchWalk(db, now: now)
    }

    mutating func run() throws -> FanoutStep {
        var waiting = try nextBulletins()
        while limit > 0, !waiting.isEmpty {
            for bulletin in waiting where limit > 0 {
                let first = try earliestUnrouted(of: bulletin)
                try route(first)
                if first.number != bulletin.number { break }
            }
            waiting = try nextBulletins()
        }
        step.hasMore = !waiting.isEmpty
        step.hasEmergencies = waiting.first?.priority == 0
        return step
    }

    private static let isUnrouted = "routed_at IS NULL AND state IN ('published', 'superseded', 'withdrawn')"
    private static let select = "SELECT \(UnroutedBulletin.columns) FROM bulletins WHERE \(isUnrouted)"

    /// The most urgent bulletins, and among equals those that have advanced least. At least one is read, and no more than
    /// the transaction may come to, since each may have thousands of legs.
    private func nextBulletins() throws -> [UnroutedBulletin] {
        var found: [UnroutedBulletin] = []
        try mostUrgent.each([max(1, min(64, limit / Self.bulletinCost))]) { found.append(UnroutedBulletin($0)) }
        return found
    }

    /// The earliest unrouted revision, or the unrouted proposal that is answered. It goes first, so that this bulletin
    /// finds all receivers of it.
    private func earliestUnrouted(of bulletin: UnroutedBulletin) throws -> UnroutedBulletin {
        let earliest = try db.prepared(
            Self.select + " AND publisher = ? AND name = ? AND id < ? ORDER BY revision LIMIT 1")
        func first(of id: BulletinID) throws -> UnroutedBulletin? {
            try earliest.first([id.publisher, id.id, bulletin.number], UnroutedBulletin.init)
        }
        if let answered = bulletin.inReplyTo, let proposal = try first(of: answered) { return proposal }
        return bulletin.revision > 1 ? try first(of: bulletin.id) ?? bulletin : bulletin
    }

    private mutating func route(_ bulletin: UnroutedBulletin) throws {
        if bulletin.cursor.isUnstarted { try begin(bulletin) }
        let before = try db.number("SELECT max(id) FROM deliveries") ?? 0
        var made = 0
        if bulletin.cursor.hasReceivers(revision: bulletin.revision, isAnswer: bulletin.inReplyTo != nil) {
            let walk = ReceiverWalk(db: db, now: now, bulletin: bulletin)
            let isThrough: Bool
            (made, isThrough) = try walk.run(limit: limit)
            limit -= made
            guard isThrough, limit > 0 else {
                limit = 0
                return try count(bulletin, made, after: before)
            }
        }
        // A withdrawal goes to nobody else.
        let isThrough = bulletin.isWithdrawal ? true : try matches.run(bulletin, made: &made, limit: &limit)
        try count(bulletin, made, after: before)
        if isThrough { try finish(bulletin, made: made) }
    }

    private mutating func begin(_ bulletin: UnroutedBulletin) throws {
        // A bulletin is put in as many lists as its regions and fields make.
        limit -= try feedItems.replace(bulletin)
        // Public feeds have it from now on, private ones once all deliveries are made. The hub pushes important ones twice.
        if bulletin.urgency > 0 || bulletin.isWithdrawal { try hubChanges.note(bulletin) }
    }

    /// Counts the deliveries that this transaction made of a bulletin: the rows after that number.
    private mutating func count(_ bulletin: UnroutedBulletin, _ made: Int, after number: Int64) throws {
        madeByChannel = try NewDeliveries.earlier(of: bulletin)
        guard made > 0 else { return }
        step.deliveries += made
        let hasDigests = try counter.count(bulletin, after: number, into: &madeByChannel)
        try db.run(
            "UPDATE bulletins SET pending = pending + ?1, made = made + ?1, made_by_channel = ?2 WHERE id = ?3",
            [made, JSONWriter.text(.object(madeByChannel)), bulletin.number])
        guard hasDigests, !bulletin.isWithdrawal else { return }
        let looked = try SoonerSubscriptions(of: bulletin, db, now: now).prefer(after: number)
        limit -= matches.costOfLooks(looked, made: made)
    }

    private mutating func finish(_ bulletin: UnroutedBulletin, made: Int) throws {
        step.routed += 1
        limit -= Self.bulletinCost
        let isUnheard = made == 0 && bulletin.cursor.isUnstarted
        try markRouted.run([now.milliseconds, isUnheard ? now.milliseconds : nil, bulletin.number])
        try hubChanges.note(bulletin)
        try receipts.put(
            ReceiptRule.routed(
                bulletin.number, about: bulletin.subject, byChannel: madeByChannel,
                regions: bulletin.regions.split(separator: " ").map(String.init)))
        if isUnheard {
            try receipts.put(
                ReceiptRule.completed(bulletin.number, about: bulletin.subject, DeliveryCounts().details))
        } else {
            try BulletinEnd.completeIfDone(bulletin.number, db, now: now)
        }
    }
}

/// Counts the deliveries that a transaction has made of a bulletin, by channel.
private struct NewDeliveries {
    private let select: Prepared

    init(_ db: Database) throws {
        select = try db.prepared(
            """
            SELECT channel, count(*), count(digest_at) FROM deliveries NOT INDEXED WHERE id > ? AND bulletin = ?
            GROUP BY channel
            """)
    }

    /// The counts of earlier transactions.
    static func earlier(of bulletin: UnroutedBulletin) throws -> JSONObject {
        guard !bulletin.cursor.isUnstarted,
            case .object(let counts) = try JSONParser.parse(Array(bulletin.madeByChannel.utf8))
        else { return JSONObject() }
        return counts
    }

    /// Adds the rows after that number to the counts; whether some of them wait for a digest.
    func count(_ bulletin: UnroutedBulletin, after number: Int64, into counts: inout JSONObject) throws -> Bool {
        var hasDigests = false
        try select.each([number, bulletin.number]) { row in
            let channel = row.text(0)
            hasDigests = hasDigests || row.integer(2) > 0
            guard case .integer(let known)? = counts[channel] ?? .integer(0) else { return }
            counts[channel] = .integer(known + row.integer(1))
        }
        return hasDigests
    }
}
