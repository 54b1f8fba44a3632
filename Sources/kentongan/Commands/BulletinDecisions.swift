import ArgumentParser
import Bulletins
import Intake
import Storage

extension BulletinsCommand {
    struct Approve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lets a held bulletin go out.")

        @OptionGroup var options: CommonOptions
        @Argument(help: "PUBLISHER/ID") var id: String

        func run() async throws {
            let store = try await CommandContext(options).store()
            let newest = try await store.newestRevision(of: id)
            guard let state = try await store.approve(newest.stored.id, now: WallClock.system.now) else {
                throw RefusedInput("\(id) is not held; it is \(newest.stored.state.rawValue)")
            }
            print("\(id) is \(state.rawValue)")
        }
    }

    struct Reject: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Ends a held bulletin; its publisher is told why.")

        @OptionGroup var options: CommonOptions
        @Argument(help: "PUBLISHER/ID") var id: String
        @Option(help: "What the publisher is told.") var why: String

        func run() async throws {
            let store = try await CommandContext(options).store()
            let newest = try await store.newestRevision(of: id)
            guard try await store.reject(newest.stored.id, why: why, now: WallClock.system.now) else {
                throw RefusedInput("\(id) is not held; it is \(newest.stored.state.rawValue)")
            }
            print("\(id) is rejected")
        }
    }

    struct Withdraw: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Withdraws a bulletin in its publisher's stead.",
            discussion: "Records a further revision with the status withdrawn, as a publisher's own withdrawal.")

        @OptionGroup var options: CommonOptions
        @Argument(help: "PUBLISHER/ID") var id: String
        @Option(help: "Why, for whoever got it; at most 500 characters.") var why: String

        func run() async throws {
            let context = try await CommandContext(options)
            let store = try context.store()
            let newest = try await store.newestRevision(of: id)
            guard newest.stored.state != .withdrawn else { throw RefusedInput("\(id) is withdrawn already") }
            let withdrawal = try Self.withdrawal(of: newest.stored, why: why)
            let judge = MessageJudge(registries: try context.registries(), requiresUser: false)
            let slug = newest.stored.id.publisher
            let publisher = try await store.publishers(named: [slug])[slug]
            let now = WallClock.system.now
            let opened = judge.open(withdrawal, size: UInt64(withdrawal.count), StoredEnvelope(routingKey: ""))
            var message = judge.judge(opened, publisher: publisher, queue: "operator", now: now)
            switch message.judgement {
            case .refused(let refusal): throw RefusedInput("it cannot be withdrawn: \(refusal.sentence)")
            case .accepted(var accepted):
                accepted.isModerated = false
                message.judgement = .accepted(accepted)
            }
            if case .refused(let reason) = try await store.record([message], now: now).first {
                throw RefusedInput("\(id) cannot be withdrawn: \(reason.rawValue); was it corrected just now?")
            }
            print("\(id) is withdrawn")
        }

        /// The newest revision, withdrawn under the next number.
        private static func withdrawal(of stored: StoredBulletin, why: String) throws -> [UInt8] {
            guard case .object(var object) = try JSONParser.parse(stored.payload) else { return [] }
            object["revision"] = .integer(stored.revision + 1)
            object["status"] = "withdrawn"
            object["note"] = .string(why)
            // Neither holds back a withdrawal.
            for member in ["body", "publishAt", "expiresAt"] { object[member] = nil }
            return JSONWriter.bytes(.object(object))
        }
    }

    struct Coverage: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Says which regions below its own a bulletin reached, and where nobody is subscribed.")

        @OptionGroup var options: CommonOptions
        @OptionGroup var listing: ListingOptions
        @Argument(help: "PUBLISHER/ID") var id: String

        func run() async throws {
            let context = try await CommandContext(options)
            let (store, regions) = (try context.store(), try context.registries().regions)
            let newest = try await store.newestRevision(of: id)
            let counts = try await store.coverage(of: newest.stored.id)
            let places = newest.regions.compactMap { Region($0) }.flatMap { region in
                let children = regions.children(of: region)
                return children.isEmpty ? [region] : children
            }
            let rows = places.map { RegionCoverage(region: $0, name: regions.fullName(of: $0), counts: counts) }
            Output.rows(
                Array(rows.prefix(listing.count)), listing,
                header: ["REGION", "STATE", "ENDPOINTS", "DELIVERED", "NAME"]
            ) {
                $0.json
            } table: {
                [$0.region.code, $0.state, "\($0.endpoints)", "\($0.delivered)", $0.name]
            }
        }
    }
}

/// One region's line of `bulletins coverage`.
private struct RegionCoverage {
    let region: Region
    let name: String
    let endpoints: Int
    let delivered: Int

    init(region: Region, name: String, counts: [RegionCount]) {
        self.region = region
        self.name = name
        let within = counts.filter { region.contains($0.region) }
        endpoints = within.reduce(0) { $0 + $1.deliveries }
        delivered = within.filter { $0.state == .delivered }.reduce(0) { $0 + $1.deliveries }
    }

    var state: String { endpoints == 0 ? "nobody-subscribed" : delivered == 0 ? "not-reached" : "reached" }

    var json: JSONObject {
        [
            "region": .string(region.code), "name": .string(name), "state": .string(state),
            "endpoints": .number(endpoints), "delivered": .number(delivered),
        ]
    }
}

extension ListingStore {
    /// All revisions of `PUBLISHER/ID`, newest first.
    func revisions(of text: String) async throws -> [BulletinRow] {
        guard let id = BulletinID(text) else { throw RefusedInput("\(text) is not PUBLISHER/ID") }
        let found = try await bulletins(id: id, limit: Int.max)
        guard !found.isEmpty else {
            throw RefusedInput("there is no bulletin \(id); list them with: kentongan bulletins list")
        }
        return found
    }

    func newestRevision(of text: String) async throws -> BulletinRow { try await revisions(of: text)[0] }
}

extension Refusal {
    /// All errors in one line.
    var sentence: String { errors.map { "\($0.path) \($0.message)" }.joined(separator: "; ") }
}
