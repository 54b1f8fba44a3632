import ArgumentParser
import Bulletins
import Foundation
import Runtime
import Storage

/// `publishers`: who may publish, and what for.
struct PublishersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publishers", abstract: "Registers who may publish, and what for.",
        subcommands: [Add.self, List.self, Remove.self, Import.self])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Adds a publisher, or replaces the one of that slug.")

        @OptionGroup var options: CommonOptions
        @Argument(help: "Its name in bulletins, [a-z0-9][a-z0-9.-]{1,63}.") var slug: String
        @Option(help: "Its full name.") var name: String
        @Option(help: "Its user at the broker.") var amqpUser: String
        @Option(help: "announcement or proposal; may be given more than once.") var kind: [String]
        @Option(help: "A region that it may address, with all below; may be given more than once.") var region: [String]
        @Option(help: "A field that it may address; all if none is given.") var field: [String] = []
        @Flag(help: "It may publish emergencies.") var emergency = false
        @Flag(help: "Its bulletins wait for an operator's approval.") var moderated = false
        @Flag(help: "Prints JSON.") var json = false

        func validate() throws {
            guard !kind.isEmpty, !region.isEmpty else { throw ValidationError("--kind and --region are needed") }
        }

        func run() async throws {
            let context = try await CommandContext(options)
            let codes = CodeReader(registries: try context.registries())
            let publisher = Publisher(
                slug: try codes.publisher(slug), name: try TypedText.line(name, "--name", limit: 200),
                amqpUser: try TypedText.name(amqpUser, "--amqp-user"),
                scope: .init(
                    kinds: try codes.kinds(kind), regions: try region.map { try codes.region($0) },
                    fields: field.isEmpty ? [.any] : try field.map { try codes.field($0) },
                    mayPublishEmergencies: emergency),
                isModerated: moderated)
            try await context.store().save([publisher], now: WallClock.system.now)
            json ? Output.jsonLine(publisher.json) : Output.line("\(slug) may publish")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the publishers.")

        @OptionGroup var options: CommonOptions
        @OptionGroup var listing: ListingOptions

        func run() async throws {
            let publishers = try await CommandContext(options).store().publishers(limit: listing.count)
            Output.rows(publishers, listing, header: ["SLUG", "KINDS", "REGIONS", "NAME"]) {
                $0.json
            } table: {
                [
                    $0.slug, $0.scope.kinds.map(\.rawValue).sorted().joined(separator: ","),
                    $0.scope.regions.map(\.code).joined(separator: ","), $0.name,
                ]
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Takes a publisher off the register.")

        @OptionGroup var options: CommonOptions
        @Argument var slug: String

        func run() async throws {
            guard try await CommandContext(options).store().removePublisher(slug, now: WallClock.system.now) else {
                throw RefusedInput("\(slug) is not registered; list who is with: kentongan publishers list")
            }
            Output.line("\(slug) is removed")
        }
    }

    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Adds publishers from a CSV file.",
            discussion:
                "Columns: publisher, name, region, kinds and optionally amqp-user (else the slug), fields, emergency, "
                + "moderated. Several values in a cell by |.")

        @OptionGroup var options: CommonOptions
        @Argument(help: "A CSV file, or - for standard input.") var file: String
        @Flag(help: "Prints JSON Lines.") var json = false

        func run() async throws {
            let context = try await CommandContext(options)
            let codes = CodeReader(registries: try context.registries())
            let publishers = try CSVTable(file: file, columns: Self.columns).read { try publisher($0, codes) }
            try await context.store().save(publishers, now: WallClock.system.now)
            if json { return publishers.forEach { Output.jsonLine($0.json) } }
            Output.line("\(Output.count(Set(publishers.map(\.slug)).count, "publisher")) may publish")
        }

        private static let columns = CSVColumns(
            filled: ["publisher", "name", "region", "kinds"],
            optional: ["amqp-user", "fields", "emergency", "moderated"])

        private func publisher(_ row: CSVTable.Row, _ codes: CodeReader) throws -> Publisher {
            let slug = try codes.publisher(row["publisher"])
            let fields = try row.list("fields")
            return Publisher(
                slug: slug, name: try TypedText.line(row["name"], "name", limit: 200),
                amqpUser: try TypedText.name(row.optional("amqp-user") ?? slug, "amqp-user"),
                scope: .init(
                    kinds: try codes.kinds(try row.list("kinds")),
                    regions: try row.list("region").map { try codes.region($0) },
                    fields: fields.isEmpty ? [.any] : try fields.map { try codes.field($0) },
                    mayPublishEmergencies: try row.boolean("emergency")),
                isModerated: try row.boolean("moderated"))
        }
    }
}

extension Publisher {
    fileprivate var json: JSONObject {
        [
            "slug": .string(slug), "name": .string(name), "amqpUser": .string(amqpUser),
            "kinds": .texts(scope.kinds.map(\.rawValue).sorted()), "regions": .texts(scope.regions.map(\.code)),
            "fields": .texts(scope.fields.map(\.description)), "emergency": .bool(scope.mayPublishEmergencies),
            "moderated": .bool(isModerated),
        ]
    }
}
