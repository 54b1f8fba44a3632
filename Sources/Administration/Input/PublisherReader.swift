package import Bulletins

/// A publisher as somebody types it, in options of a command or in a request.
package struct TypedPublisher: Sendable {
    package var slug: String
    package var name: String
    /// The user at the broker.
    package var amqpUser: String
    package var kinds: [String]
    package var regions: [String]
    /// Empty for all fields.
    package var fields: [String] = []
    package var mayPublishEmergencies = false
    package var isModerated = false

    package init(slug: String, name: String, amqpUser: String, kinds: [String], regions: [String]) {
        (self.slug, self.name, self.amqpUser) = (slug, name, amqpUser)
        (self.kinds, self.regions) = (kinds, regions)
    }
}

/// Reads publishers.
package struct PublisherReader: Sendable {
    private let codes: CodeReader

    package init(_ codes: CodeReader) { self.codes = codes }

    package static let columns = CSVColumns(
        filled: ["publisher", "name", "region", "kinds"], optional: ["amqp-user", "fields", "emergency", "moderated"])

    package func read(_ typed: TypedPublisher) throws(OperationError) -> Publisher {
        try read(typed, nameLabel: "--name", userLabel: "--amqp-user")
    }

    /// The AMQP user of a row that names none is the slug.
    package func read(_ row: CSVTable.Row) throws(OperationError) -> Publisher {
        let slug = try codes.publisher(row["publisher"])
        var typed = TypedPublisher(
            slug: slug, name: row["name"], amqpUser: row.optional("amqp-user") ?? slug, kinds: try row.list("kinds"),
            regions: try row.list("region"))
        typed.fields = try row.list("fields")
        typed.mayPublishEmergencies = try row.boolean("emergency")
        typed.isModerated = try row.boolean("moderated")
        return try read(typed, nameLabel: "name", userLabel: "amqp-user")
    }

    private func read(_ typed: TypedPublisher, nameLabel: String, userLabel: String) throws(OperationError)
        -> Publisher
    {
        Publisher(
            slug: try codes.publisher(typed.slug), name: try TypedText.line(typed.name, nameLabel, limit: 200),
            amqpUser: try TypedText.name(typed.amqpUser, userLabel),
            scope: Publisher.Scope(
                kinds: try codes.kinds(typed.kinds), regions: try codes.regions(typed.regions),
                fields: typed.fields.isEmpty ? [.any] : try codes.fields(typed.fields),
                mayPublishEmergencies: typed.mayPublishEmergencies),
            isModerated: typed.isModerated)
    }
}
