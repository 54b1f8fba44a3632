import Bulletins
import Storage

/// The expected outcome of the random lives, by a simple truth in memory that shares no code with the store.
struct LifeTruth {
    struct Sub {
        let number: Int
        let address: String
        var region: Region
        let field: Field
    }

    enum Phase { case held, scheduled, open, over }

    struct Revision {
        let id: String
        let revision: Int64
        var phase: Phase
        var regions: [Region]
        let field: Field
        var isWithdrawal = false
        var answers: String?
        var publishAt: Timestamp?
        var expiresAt: Timestamp?
        var isRouted = false
        var isRejected = false
        /// The subscriptions that its fan-out cannot miss: they were there from its beginning on.
        var floor: Set<Int>?
        /// Whom it was for while it was routed.
        var matched: Set<String> = []

        func matches(_ sub: Sub) -> Bool {
            field == sub.field && regions.contains { $0.contains(sub.region) || sub.region.contains($0) }
        }
    }

    private(set) var subs: [Sub] = []
    /// All that there ever were.
    private(set) var everSubs: [Sub] = []
    private(set) var revisions: [Revision] = []
    /// The regions of today that replaced retired ones.
    private(set) var successors: [Region: [Region]] = [:]
    private var made = 0

    // MARK: - Subscribers

    mutating func subscribe(_ address: String, _ region: Region, _ field: Field) {
        for region in today([region]) {
            guard !subs.contains(where: { ($0.address, $0.region, $0.field) == (address, region, field) }) else {
                continue
            }
            made += 1
            subs.append(Sub(number: made, address: address, region: region, field: field))
            everSubs.append(subs[subs.count - 1])
        }
    }

    /// Whether the address has one still.
    mutating func end(_ address: String, _ region: Region, _ field: Field) -> Bool {
        subs.removeAll { ($0.address, $0.region, $0.field) == (address, region, field) }
        return subs.contains { $0.address == address }
    }

    mutating func erase(_ address: String) { subs.removeAll { $0.address == address } }

    func today(_ regions: [Region]) -> [Region] {
        regions.flatMap { successors[$0] ?? [$0] }.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }

    /// Returns all successions, which an import names.
    mutating func replace(_ old: Region, by new: [Region]) -> [Region: [Region]] {
        successors = successors.mapValues { $0.flatMap { $0 == old ? new : [$0] } }
        successors[old] = new
        let moved = subs.filter { $0.region == old }
        subs.removeAll { $0.region == old }
        for sub in moved { subscribe(sub.address, old, sub.field) }
        for index in revisions.indices where !revisions[index].isRouted && revisions[index].phase != .over {
            let regions = today(revisions[index].regions)
            if regions != revisions[index].regions {
                revisions[index].regions = regions
                if revisions[index].floor != nil { revisions[index].floor = matching(revisions[index]) }
            }
        }
        return successors
    }

    private func matching(_ revision: Revision) -> Set<Int> {
        revision.isWithdrawal ? [] : Set(subs.filter(revision.matches).map(\.number))
    }

    // MARK: - Bulletins

    func newestRevision(of id: String) -> Int64 { revisions.last { $0.id == id }?.revision ?? 0 }

    mutating func record(_ revision: Revision) {
        var revision = revision
        revision.regions = today(revision.regions)
        revisions.append(revision)
        began(revisions.count - 1)
    }

    /// Bulletins whose newest revision, but for rejected ones, waits for approval.
    var held: [String] {
        revisions.indices.filter { revisions[$0].phase == .held && newestNotRejected(revisions[$0].id) == $0 }.map {
            revisions[$0].id
        }
    }

    private func newestNotRejected(_ id: String) -> Int? { revisions.lastIndex { $0.id == id && !$0.isRejected } }

    mutating func approve(_ id: String, now: Timestamp) {
        guard let index = newestNotRejected(id), revisions[index].phase == .held else { return }
        revisions[index].phase = (revisions[index].publishAt ?? now) > now ? .scheduled : .open
        began(index)
    }

    mutating func reject(_ id: String) {
        guard let index = newestNotRejected(id) else { return }
        (revisions[index].phase, revisions[index].isRejected) = (.over, true)
    }

    /// Ends what a new revision overtakes: earlier ones that wait, and what a withdrawal or a later revision takes
    /// back.
    private mutating func began(_ index: Int) {
        let (new, phase) = (revisions[index], revisions[index].phase)
        guard phase == .open || phase == .scheduled else { return }
        for other in 0..<index where revisions[other].id == new.id {
            let old = revisions[other]
            let waits = old.phase == .held || old.phase == .scheduled
            let isTakenBack =
                phase == .open && old.phase == .open && !old.isRouted && (new.isWithdrawal || old.isWithdrawal)
            if waits || isTakenBack { revisions[other].phase = .over }
        }
    }

    private func isNewestOpen(_ index: Int) -> Bool {
        !revisions[(index + 1)...].contains { $0.id == revisions[index].id && $0.phase == .open }
    }

    /// Publishes the revisions whose time has come.
    mutating func publish(now: Timestamp) {
        let due = revisions.indices.filter {
            revisions[$0].phase == .scheduled && (revisions[$0].publishAt ?? now) <= now
        }
        .sorted { (revisions[$0].publishAt ?? now, $0) < (revisions[$1].publishAt ?? now, $1) }
        for index in due where revisions[index].phase == .scheduled {
            revisions[index].phase = .open
            began(index)
        }
        for index in revisions.indices where revisions[index].phase == .open && !revisions[index].isWithdrawal {
            guard let expiresAt = revisions[index].expiresAt, expiresAt <= now, isNewestOpen(index) else { continue }
            revisions[index].phase = .over
        }
    }

    /// A fan-out begins, which may stop half way.
    mutating func beginFanOut() {
        for index in revisions.indices where revisions[index].phase == .open && !revisions[index].isRouted {
            let now = matching(revisions[index])
            note(now, in: index)
            revisions[index].floor = revisions[index].floor.map { $0.intersection(now) } ?? now
        }
    }

    private mutating func note(_ matching: Set<Int>, in index: Int) {
        revisions[index].matched.formUnion(subs.filter { matching.contains($0.number) }.map(\.address))
    }

    /// Returns the revisions that are routed now, if they are the newest of their bulletins, with the addresses that
    /// must have a row.
    mutating func endFanOut() -> [(revision: Revision, matched: Set<String>)] {
        var found: [(Revision, Set<String>)] = []
        for index in revisions.indices where revisions[index].phase == .open && !revisions[index].isRouted {
            let now = matching(revisions[index])
            let sure = (revisions[index].floor ?? now).intersection(now)
            revisions[index].isRouted = true
            note(now, in: index)
            if isNewestOpen(index) {
                found.append((revisions[index], Set(subs.filter { sure.contains($0.number) }.map(\.address))))
            }
        }
        return found
    }

    /// The revisions that this one goes on from, as `ID REVISION`.
    func thread(of revision: Revision) -> Set<String> {
        guard let place = revisions.firstIndex(where: { $0.id == revision.id && $0.revision == revision.revision })
        else { return [] }
        return Set(
            revisions[..<place].filter { $0.id == revision.id || !revision.isWithdrawal && $0.id == revision.answers }
                .map { "\($0.id) \($0.revision)" })
    }

    func revision(_ row: DeliveryRow) -> Revision? {
        revisions.first { $0.id == row.bulletin.id && $0.revision == row.revision }
    }
}
