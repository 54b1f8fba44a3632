import Bulletins
import Storage

/// The moves that may happen next.
extension LifeWorld {
    private static let regions = ["ID", "73", "73.71", "52"].compactMap { Region($0) }
    private static let fields = ["kesehatan", "pangan"].compactMap { Field($0) }

    /// Those of today: districts come and go.
    private var region: Region {
        let all = Self.regions + (truth.successors.isEmpty ? [Region("73.71.01")] : districtsNow).compactMap(\.self)
        return all.randomElement(using: &random) ?? .country
    }
    private var districtsNow: [Region?] {
        Array(Set(truth.successors.values.joined())).sorted { $0.rawValue < $1.rawValue }
    }
    private var field: Field { Self.fields[Int.random(in: 0..<Self.fields.count, using: &random)] }

    func step() async throws {
        if truth.revisions.isEmpty { try await test.registerUji(in: "ID") }
        let move = Int.random(in: 0..<30, using: &random)
        note("\(move) at \(time.now.text)")
        switch move {
        case 0...4: try await subscribe()
        case 5...7: try await publish(revised: false)
        case 8...10: try await publish(revised: true)
        case 11, 12: try await publish(revised: true, status: "withdrawn")
        case 13: try await unsubscribe()
        case 14: try await erase()
        case 15: try await takeBackWhileSending()
        case 16, 17: receivers.change(&addresses, &random)
        case 18: time.advance(by: .seconds([1, 40, 4000, 30_000, 90_000].randomElement(using: &random) ?? 1))
        case 19: time.advance(by: .seconds(-600))
        case 20: try await changeSubscription()
        case 21: try await replaceRegion()
        case 22: try await routeHalf()
        case 23: try await decide()
        case 24: try await tryAgain()
        case 25: try await answer()
        case 26: try await jump()
        case 27: try await freeze()
        case 28: try await bounce()
        default: try await kill()
        }
    }

    private func subscribe() async throws {
        let (region, field) = (region, field)
        guard let frequency = [Frequency.immediate, .immediate, .daily, .weekly].randomElement(using: &random)
        else { return }
        let address = "p\(Int.random(in: 0..<12, using: &random))@x.example"
        try await subscribe(address, region, field, frequency)
    }

    private func subscribe(_ address: String, _ region: Region, _ field: Field, _ frequency: Frequency) async throws {
        note("\(address) subscribes \(region) \(field) \(frequency)")
        if !addresses.contains(address) { addresses.append(address) }
        receivers.allow(address)
        _ = try await store.add(
            [
                Subscription(
                    endpoint: Endpoint(channel: .email, address: address), region: region, field: .field(field),
                    frequency: frequency)
            ], of: Subscriber(), zones: TestStore.zones, now: time.now)
        truth.subscribe(address, region, field)
    }

    func publish(revised: Bool, status: String? = nil, answering: String? = nil) async throws {
        let known = Set(truth.revisions.map(\.id)).count
        // Mostly of what is under way still.
        let id = revised ? "b\(max(0, known - Int.random(in: 1...4, using: &random)))" : "b\(known)"
        let revision = truth.newestRevision(of: id) + 1
        guard !revised || revision > 1 else { return }
        let (now, region, field) = (time.now, region, field)
        let first = truth.revisions.first { $0.id == id }
        let isProposal = answering == nil && (first.map { $0.answers == nil && id.hasSuffix("0") } ?? id.hasSuffix("0"))
        var new = LifeTruth.Revision(id: id, revision: revision, phase: .open, regions: [region], field: field)
        new.isWithdrawal = status == "withdrawn"
        new.answers = answering ?? first?.answers
        var object: JSONObject = [
            "id": .string(id), "revision": .integer(revision), "kind": isProposal ? "proposal" : "announcement",
            "publisher": "uji", "title": .string(id), "body": "B", "regions": [.string(region.code)],
            "fields": [.string(field.code)],
        ]
        if isProposal { object["proposal"] = ["state": "submitted"] }
        if let answers = new.answers { object["inReplyTo"] = .string("uji/\(answers)") }
        if Int.random(in: 0..<5, using: &random) == 0 { object["urgency"] = "emergency" }
        if Int.random(in: 0..<6, using: &random) == 0 { new.publishAt = now + .seconds(3000) }
        let isModerated = Int.random(in: 0..<8, using: &random) == 0
        if !isModerated, Int.random(in: 0..<5, using: &random) == 0 { new.expiresAt = now + .seconds(50_000) }
        object.set("publishAt", new.publishAt?.text)
        object.set("expiresAt", new.expiresAt?.text)
        object.set("status", status)
        new.phase = isModerated ? .held : new.publishAt == nil ? .open : .scheduled
        let payload = JSONWriter.bytes(.object(object))
        var accepted = AcceptedBulletin(bulletin: try Bulletin(payload: payload), payload: payload, digest: payload)
        accepted.isModerated = isModerated
        let message = IncomingBulletin(
            judgement: .accepted(accepted), body: [], size: 1, claimedID: nil, queue: "q",
            envelope: StoredEnvelope(routingKey: "k"))
        let outcome = try await store.record([message], now: now)[0]
        note("\(id) \(revision) \(region) \(field) \(status ?? "") \(new.answers ?? "") \(outcome)")
        // Refused is an answer to what is no proposal any more.
        if case .accepted = outcome { truth.record(new) }
    }

    private func answer() async throws {
        let proposals = Set(truth.revisions.map(\.id)).filter { $0.hasSuffix("0") }.sorted()
        guard let proposal = proposals.randomElement(using: &random) else { return try await publish(revised: false) }
        try await publish(revised: false, answering: proposal)
    }

    func unsubscribe(again: Bool = false) async throws {
        let all = try await store.subscriptions(limit: 1000)
        guard let chosen = all.randomElement(using: &random), case .field(let field) = chosen.subscription.field
        else { return }
        let (address, region) = (chosen.subscription.endpoint.address, chosen.subscription.region)
        note("\(address) ends \(region) \(field)")
        _ = try await store.removeSubscription(chosen.number, now: time.now)
        if !truth.end(address, region, field) { receivers.forbid(address) }
        if again { try await subscribe(address, region, field, .immediate) }
    }

    /// Ended and made anew, or beside another.
    private func changeSubscription() async throws {
        if Bool.random(using: &random) { return try await unsubscribe(again: true) }
        guard let address = truth.subs.randomElement(using: &random)?.address else { return }
        try await subscribe(address, region, field, .immediate)
        try await unsubscribe()
    }

    func erase() async throws {
        guard let address = addresses.randomElement(using: &random) else { return }
        note("erases \(address)")
        if try await store.erase(address, now: time.now) > 0 { receivers.forbid(address) }
        truth.erase(address)
    }

    /// A district goes over to a new one, to two, or to one that is there.
    private func replaceRegion() async throws {
        let present =
            truth.successors.isEmpty ? [Region("73.71.01")].compactMap(\.self) : districtsNow.compactMap(\.self)
        guard let old = present.filter({ $0.code.hasPrefix("73.71.") }).randomElement(using: &random) else { return }
        let fresh = (districts..<(districts + 2)).compactMap { Region("73.71.\($0)") }
        districts += 2
        let others = present.filter { $0 != old }
        let new =
            [[fresh[0]], fresh, others.isEmpty ? [fresh[0]] : [others[0]]].randomElement(using: &random) ?? [fresh[0]]
        note("\(old) becomes \(new)")
        _ = try await store.replaceRegions(
            truth.replace(old, by: new), names: [:], zones: TestStore.zones, now: time.now)
    }

    /// A fan-out stops half way, and the world goes on.
    private func routeHalf() async throws {
        for _ in 0..<2 { try await publish(revised: Bool.random(using: &random)) }
        truth.beginFanOut()
        _ = try await store.fanOut(limit: 3, now: time.now)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: try await replaceRegion()
        case 1: try await unsubscribe()
        case 2: try await publish(revised: true)
        default: try await kill()
        }
    }

    private func decide() async throws {
        guard let id = truth.held.randomElement(using: &random) else { return }
        try await decide(id, approves: Int.random(in: 0..<3, using: &random) > 0)
    }

    func decide(_ id: String, approves: Bool) async throws {
        let (name, now) = (BulletinID(publisher: "uji", id: id), time.now)
        note("\(approves ? "approves" : "rejects") \(id)")
        if approves {
            expect(try await store.approve(name, now: now) != nil, "\(id) is not held")
            truth.approve(id, now: now)
        } else {
            expect(try await store.reject(name, why: "w", now: now), "\(id) is not held")
            truth.reject(id)
        }
    }

    /// The operator's second round.
    private func tryAgain() async throws {
        var selection = RetrySelection()
        selection.state = [.failed, .bounced, .suppressed].randomElement(using: &random) ?? .failed
        let again = try await store.retry(selection, after: 0, limit: 5, now: time.now)
        note("again: \(again.map(\.number))")
        if selection.state == .bounced { for row in again { repeats[row.number, default: 0] += 1 } }
    }

    private func bounce() async throws {
        guard let row = try await rows().filter({ $0.state == .delivered }).randomElement(using: &random) else {
            return
        }
        let isGone = Bool.random(using: &random)
        note("bounce of \(row.number)")
        let bounce = Bounce(kind: .failed, status: isGone ? "5.1.1" : "5.2.2", detail: nil)
        _ = try await store.record(bounce, of: row.number, now: time.now)
        if Bool.random(using: &random) { _ = try await store.unsuppress(row.address) }
    }
}
