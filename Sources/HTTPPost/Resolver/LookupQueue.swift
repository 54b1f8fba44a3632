internal import NIOCore

/// Decides which lookup gets a thread next. Pure rules without locks or threads.
///
/// A lookup blocks its thread until the system's resolver returns, which takes long for a name that no server
/// answers. So each lane and each owner of names has a share of the threads, and names with a good record come first.
/// However many dead names there are, they never take the threads that the other names need.
struct LookupQueue<Job: Sendable>: Sendable {
    /// The record of a name.
    enum Lane: Int, Sendable, CaseIterable {
        /// The last lookup found it.
        case good
        /// It has no record.
        case unknown
        /// The last lookup timed out.
        case slow
    }

    enum Admission: Equatable {
        case queued
        /// Too many lookups wait.
        case full
        /// An earlier lookup of this name has timed out and still blocks a thread.
        case hangs
    }

    private struct Waiter: Sendable {
        let host: String
        let owner: String
        let job: Job
    }

    let threads: Int
    private static var maximumLaneLength: Int { 256 }
    private static var maximumRecords: Int { 4096 }

    private var waiting: [Lane: CircularBuffer<Waiter>] = [:]
    private var running: [Lane: Int] = [:]
    /// The running lookups of names without a record, per owner.
    private var runningOfOwner: [String: Int] = [:]
    private var hosts: [String: Lane] = [:]
    private var records: [String: Lane] = [:]

    init(threads: Int) { self.threads = threads }

    /// How many threads a lane may use. About half stay reserved for names with a good record.
    private func share(of lane: Lane) -> Int {
        switch lane {
        case .good: threads
        case .unknown: max(1, threads / 2 - threads / 8)
        case .slow: max(1, threads / 8)
        }
    }

    /// How many threads the unrecorded names of one owner may use.
    private var shareOfOwner: Int { max(1, threads / 8) }

    func lane(of host: String) -> Lane { records[host] ?? .unknown }

    mutating func add(_ job: Job, for host: String) -> Admission {
        guard hosts[host] == nil else { return .hangs }
        let lane = lane(of: host)
        guard waiting[lane]?.count ?? 0 < Self.maximumLaneLength else { return .full }
        waiting[lane, default: []].append(Waiter(host: host, owner: HostOwner.name(of: host), job: job))
        return .queued
    }

    /// Removes and returns the lookups that get a thread now.
    mutating func start() -> [Job] {
        var jobs: [Job] = []
        for lane in Lane.allCases {
            while let waiter = take(lane) {
                running[lane, default: 0] += 1
                hosts[waiter.host] = lane
                if lane == .unknown { runningOfOwner[waiter.owner, default: 0] += 1 }
                jobs.append(waiter.job)
            }
        }
        return jobs
    }

    private mutating func take(_ lane: Lane) -> Waiter? {
        guard running[lane] ?? 0 < share(of: lane), running.values.reduce(0, +) < threads else { return nil }
        let index = waiting[lane]?.firstIndex { waiter in
            hosts[waiter.host] == nil && (lane != .unknown || runningOfOwner[waiter.owner] ?? 0 < shareOfOwner)
        }
        return index.flatMap { waiting[lane]?.remove(at: $0) }
    }

    /// Frees a thread and records the outcome. Nil means that no lookup took place.
    mutating func ended(_ host: String, _ outcome: Lane?) {
        guard let lane = hosts.removeValue(forKey: host) else { return }
        running[lane, default: 1] -= 1
        if lane == .unknown {
            let owner = HostOwner.name(of: host)
            let left = (runningOfOwner[owner] ?? 1) - 1
            runningOfOwner[owner] = left > 0 ? left : nil
        }
        if let outcome { note(host, outcome) }
    }

    /// Removes the lookups that nobody waits for any more.
    mutating func remove(where isOver: (Job) -> Bool) -> [Job] {
        var removed: [Job] = []
        for lane in Lane.allCases {
            removed += waiting[lane]?.map(\.job).filter(isOver) ?? []
            waiting[lane]?.removeAll { isOver($0.job) }
        }
        return removed
    }

    private mutating func note(_ host: String, _ lane: Lane) {
        guard lane != .unknown else {
            records[host] = nil
            return
        }
        if records.count >= Self.maximumRecords, records[host] == nil,
            let victim = records.first(where: { $0.value == .slow })?.key
                ?? records.keys.first
        {
            records[victim] = nil
        }
        records[host] = lane
    }
}
