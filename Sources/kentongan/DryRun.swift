import ArgumentParser
import Bulletins
import Storage

/// Validates bulletins as the worker would, and counts whom they would reach. Sends nothing.
struct DryRun {
    let store: any Store
    let validator: BulletinValidator
    let json: Bool

    init(store: any Store, registries: Registries, json: Bool) {
        self.store = store
        validator = BulletinValidator(registries: registries)
        self.json = json
    }

    func run(_ entries: [PublishedFile.Entry]) async throws {
        let envelope = MessageEnvelope(contentType: nil, contentEncoding: nil, headers: [:])
        let opened = entries.map { envelope.open($0.bytes) }
        let slugs = Set(opened.compactMap { (try? $0.get())?["publisher"]?.stringValue })
        let publishers = try await store.publishers(named: slugs)
        var isGood = true
        for (entry, value) in zip(entries, opened) {
            let judged = value.flatMap { value in
                validator.validate(
                    value, publisher: publishers[value["publisher"]?.stringValue ?? ""], sender: .trusted,
                    now: WallClock.system.now)
            }
            switch judged {
            case .success(let accepted): try await tell(entry, accepted)
            case .failure(let refusal):
                isGood = false
                tell(entry, refusal)
            }
        }
        if !isGood { throw ExitCode(2) }
    }

    private func tell(_ entry: PublishedFile.Entry, _ accepted: AcceptedBulletin) async throws {
        let reach = try await store.reach(of: accepted.bulletin)
        guard !json else {
            return Output.jsonLine([
                "line": .number(entry.line), "id": .string(accepted.bulletin.id.description), "valid": true,
                "errors": [],
                "notes": .texts(accepted.notes), "endpoints": .number(reach.reduce(0) { $0 + $1.endpoints }),
                "reach": .array(
                    reach.map {
                        [
                            "channel": .string($0.channel), "region": .string($0.region.code),
                            "endpoints": .number($0.endpoints),
                        ]
                    }),
            ])
        }
        print("\(accepted.bulletin.id): good, would reach \(reach.reduce(0) { $0 + $1.endpoints }) endpoints")
        for note in accepted.notes { print("  \(note)") }
        for row in reach { print("  \(row.channel) in \(row.region): \(row.endpoints)") }
    }

    private func tell(_ entry: PublishedFile.Entry, _ refusal: Refusal) {
        let value = entry.value
        guard !json else {
            return Output.jsonLine([
                "line": .number(entry.line), "id": value?["id"] ?? .null, "valid": false,
                "errors": .array(refusal.errors.map(\.json)),
            ])
        }
        print("line \(entry.line): refused as \(refusal.reason.rawValue)")
        for error in refusal.errors { print("  \(error.path): \(error.message)") }
    }
}
