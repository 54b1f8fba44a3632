import ArgumentParser
import Bulletins

/// `fields`: the registry of fields.
struct FieldsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fields", abstract: "Shows the fields that bulletins may name.", subcommands: [List.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the fields.")

        @OptionGroup var options: CommonOptions
        @OptionGroup var listing: ListingOptions

        func run() async throws {
            let entries = try await CommandContext(options).registries().fields.entries.prefix(listing.count)
            Output.rows(Array(entries), listing, header: ["CODE", "NAMA", "NAME"]) { entry in
                [
                    "code": .string(entry.field.code), "nameId": .string(entry.nameID), "nameEn": .string(entry.nameEN),
                    "parent": .optional(entry.field.parent?.code),
                ]
            } table: {
                [$0.field.code, $0.nameID, $0.nameEN]
            }
        }
    }
}
