import Bulletins
import Storage

/// The faults of random lives: workers that die or are frozen, clocks that are days off.
extension LifeWorld {
    /// Some deliveries are under way and more are claimed.
    private func keepBusy() async throws {
        receivers.hold(true)
        for _ in 0..<3 { try await publish(revised: false) }
        try await route()
        worker.signal()
        try await Task.sleep(for: .milliseconds(30))
    }

    /// While all senders are busy and more is claimed, so that what is taken back waits before them.
    func takeBackWhileSending() async throws {
        try await keepBusy()
        for _ in 0..<2 { try await publish(revised: true) }
        try await route()
        for _ in 0..<3 { try await unsubscribe() }
        try await erase()
        try await Task.sleep(for: Receivers.moment * 2)
        receivers.hold(false)
    }

    /// Notes that nobody knows whether the deliveries under way have arrived.
    private func notePerhaps() async throws {
        for row in try await rows() where row.state == .sending { perhapsGot.insert(row.number) }
    }

    private func nextWorker() {
        workers += 1
        worker = LifeWorker(number: workers, store: store, receivers: receivers, time: time)
        // Past the lease by the wall clock; the watch waits for a third of it in real time.
        time.advance(by: .seconds(2))
    }

    /// A worker that is gone from one moment to the next, with deliveries under way if there are any.
    func kill() async throws {
        note("kill")
        try await keepBusy()
        // Corrections of these wait for them, whichever worker sends them in the end.
        for _ in 0..<3 { try await publish(revised: true) }
        try await route()
        worker.die()
        receivers.doubt(worker: workers, stopped: .now)
        receivers.hold(false)
        try await Task.sleep(for: .milliseconds(10))
        try await notePerhaps()
        nextWorker()
    }

    /// A worker is stopped with its claims, another takes them over, and the first goes on with what it had.
    func freeze() async throws {
        note("freeze")
        try await keepBusy()
        let (frozen, number) = (worker, workers)
        await frozen.freeze()
        receivers.doubt(worker: number, stopped: .now)
        try await notePerhaps()
        nextWorker()
        switch Int.random(in: 0..<4, using: &random) {
        case 0: try await publish(revised: true, status: "withdrawn")
        case 1: try await publish(revised: true)
        case 2: try await unsubscribe()
        default: break
        }
        // Real time, in which the watch sees that the first is silent.
        let until = ContinuousClock.now + .seconds(2)
        while ContinuousClock.now < until,
            try await store.leases().contains(where: { $0.owner.name == "life-\(number).email" })
        {
            worker.signal()
            try await Task.sleep(for: .milliseconds(20))
        }
        receivers.hold(false)
        try await settle()
        frozen.thaw()
        try await Task.sleep(for: .milliseconds(100))
        try await settle()
        // Then it goes for good.
        frozen.die()
        receivers.doubt(worker: number, stopped: .now)
        try await Task.sleep(for: .milliseconds(10))
        try await notePerhaps()
        time.advance(by: .seconds(2))
    }

    /// The clock is ahead for a while, by a month.
    func jump() async throws {
        note("the clock is ahead")
        time.advance(by: .seconds(30 * 86_400))
        for _ in 0..<2 { try await publish(revised: Bool.random(using: &random)) }
        receivers.change(&addresses, &random)
        if Bool.random(using: &random) { try await settle() } else { try await route() }
        time.advance(by: .seconds(-30 * 86_400))
    }
}
