internal import NIOCore

/// Which look-up gets a thread next: the rules of the resolver, without locks or threads.
///
/// A look-up holds its thread until the system's resolver returns, which takes long for a name that no server answers. So
/// each name and each owner of names has a share of the threads, and names that answered before come first: no number of
/// names that nobody answers takes the threads that those need.
struct LookUpQueue<Job: Sendable>: Sendable {
    /// What is known of a name.
    enum Lane: Int, Sendable, CaseIterable {
        /// It was found before.
        case good
        /// Nothing.
        case unknown
        /// It did not answer in time when it was asked last.
        case slow
    }

    enum Admission: Equatable {
        case queued
        /// Too many look-ups wait.
        case full
        /// A look-up of this name, out of time, still holds a thread.
        case hangs
    }

    private struct Waiter: Sendable {
        let host: String
        let owner: String
        let job: Job
    }

    let threads: Int
    private static var longestLane: Int { 256 }
    private static var mostKnown: Int { 4096 }

    private var waiting: [Lane: CircularBuffer<Waiter>] = [:]
    private var running: [Lane: Int] = [:]
    /// Of unknown names.
    private var runningOfOwner: [String: Int] = [:]
    private var hosts: [String: Lane] = [:]
    private var known: [String: Lane] = [:]

    init(threads: Int) { self.threads = threads }

    /// How many threads a lane may have: half are left to the names that were found before.
    private func share(of lane: Lane) -> Int {
        switch lane {
        case .good: threads
        case .unknown: max(1, threads / 2 - threads / 8)
        case .slow: max(1, threads / 8)
        }
    }

    /// Of the unknown names of one owner.
    private var shareOfOwner: Int { max(1, threads / 8) }

    func lane(of host: String) -> Lane { known[host] ?? .unknown }

    mutating func add(_ job: Job, for host: String) -> Admission {
        guard hosts[host] == nil else { return .hangs }
        let lane = lane(of: host)
        guard waiting[lane]?.count ?? 0 < Self.longestLane else { return .full }
        waiting[lane, default: []].append(Waiter(host: host, owner: HostOwner.name(of: host), job: job))
        return .queued
    }

    /// Takes out what gets a thread now.
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

    /// A thread is free again; nil if nobody was asked after all.
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

    /// Takes out those that no longer wait.
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
            known[host] = nil
            return
        }
        if known.count >= Self.mostKnown, known[host] == nil,
            let victim = known.first(where: { $0.value == .slow })?.key
                ?? known.keys.first
        {
            known[victim] = nil
        }
        known[host] = lane
    }
}
