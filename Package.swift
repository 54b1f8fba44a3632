// swift-tools-version: 6.2
import PackageDescription

// MARK: - Libraries, each with the reason why we do not write it ourselves

let dependencies: [Package.Dependency] = [
    // Event loops and sockets under the SMTP and webhook clients and the portal.
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    // TLS for the same.
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
    // Hashes, HMAC, Ed25519 and the RSA of DKIM.
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
    // The bridge between NIO's HTTP/1 handlers and the types below, which Hummingbird uses.
    .package(url: "https://github.com/apple/swift-nio-extras", from: "1.30.0"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.4.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    // Deque, for the queue of claimed deliveries.
    .package(url: "https://github.com/apple/swift-collections", from: "1.1.0"),
    // Start, graceful stop and failure of the stages as one group.
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    // Templates of mails.
    .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.0"),
    // The router and the HTTP server of the portal.
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
    // The configuration, from a YAML file and the environment.
    .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: ["YAML"]),
    // The file path type that swift-configuration takes.
    .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
    // Places in the YAML file, so that an error names its line.
    .package(url: "https://github.com/jpsim/Yams", "6.0.0"..<"7.0.0"),
    // SQLite.
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
]

let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let cryptoExtras: Target.Dependency = .product(name: "CryptoExtras", package: "swift-crypto")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")

// MARK: - Targets

/// Every target is in Swift 6 mode and says what it imports from where.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

func module(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

/// A library of Debian's, by its package of headers.
func library(_ name: String, _ package: String) -> Target {
    .systemLibrary(name: name, providers: [.apt([package])])
}

/// A target of tests. Golden files in its folder belong to no build.
func tests(_ name: String, _ dependencies: [Target.Dependency], hasGoldenFiles: Bool = false) -> Target {
    .testTarget(
        name: name, dependencies: dependencies, exclude: hasGoldenFiles ? ["Golden"] : [], swiftSettings: settings)
}

func benchmark(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies, path: "Tests/Benchmarks/\(name)", swiftSettings: settings)
}

/// In the order in which a bulletin meets them. A target may import what it names here and nothing else; `make lint`
/// checks every file.
let targets: [Target] = [
    // Words and rules, without I/O.
    module("Wording", [logging]),
    library("CIDN2", "libidn2-dev"),
    module("Addresses", ["CIDN2"]),
    library("CCommonMark", "libcmark-dev"),
    module("Bulletins", ["Addresses", "CCommonMark", crypto]),

    // Clients of protocols, which know no bulletin.
    library("CRabbitMQ", "librabbitmq-dev"),
    module("AMQP", ["CRabbitMQ", "Wording", logging]),
    module("NIOSupport", [nioCore, nioPosix, nioSSL]),
    module(
        "SMTP",
        ["Addresses", "NIOSupport", "Wording", crypto, cryptoExtras, logging, nioCore, nioPosix, nioSSL, nioTLS]),
    module(
        "HTTPPost", ["Addresses", "NIOSupport", "Wording", logging, nioCore, nioHTTP1, nioPosix, nioSSL, nioTLS]),

    // The surroundings of every stage, and the store between the stages.
    module("Observability", ["Bulletins"]),
    module("Runtime", ["Bulletins", "Observability", logging]),
    module("Storage", ["Addresses", "Bulletins", "Observability", "Runtime", "Wording", crypto, logging]),
    module(
        "StorageSQLite",
        [
            "Addresses", "Bulletins", "Storage", "Wording", crypto, grdb,
            .product(name: "GRDBSQLite", package: "GRDB.swift"),
        ],
        resources: [
            .embedInCode("Migrations/001_initial.sql"), .embedInCode("Migrations/002_narrow_rows.sql"),
        ]),

    // The stages.
    module("Intake", ["AMQP", "Bulletins", "Observability", "Runtime", "Storage", "Wording", lifecycle, logging]),
    module("Fanout", ["Bulletins", "Observability", "Runtime", "Storage", "Wording", lifecycle, logging]),
    module(
        "DeliveryEngine",
        [
            "Bulletins", "Observability", "Runtime", "Storage", "Wording", lifecycle, logging,
            .product(name: "DequeModule", package: "swift-collections"),
        ]),
    module("Receipts", ["AMQP", "Bulletins", "Observability", "Runtime", "Storage", "Wording", lifecycle, logging]),

    // Channels.
    module("Markup", ["Bulletins"]),
    module(
        "Email",
        [
            "Addresses", "Bulletins", "DeliveryEngine", "Markup", "Runtime", "SMTP", "Storage", crypto, cryptoExtras,
            lifecycle, logging, nioCore, nioPosix, .product(name: "Mustache", package: "swift-mustache"),
        ]),
    module("Webhooks", ["Bulletins", "DeliveryEngine", "HTTPPost", "Runtime", "Storage", crypto, nioCore]),

    // Faces.
    library("CZlib", "zlib1g-dev"),
    module(
        "Feeds",
        ["Bulletins", "CZlib", "Markup", "Runtime", "Storage", crypto, httpTypes, lifecycle, logging, nioCore]),
    module(
        "WebSub",
        [
            "Bulletins", "DeliveryEngine", "Feeds", "HTTPPost", "Runtime", "Storage", "Webhooks", crypto, httpTypes,
            lifecycle, logging, nioCore,
        ]),
    module(
        "Portal",
        [
            "Bulletins", "Feeds", "HTTPPost", "Markup", "NIOSupport", "Observability", "Runtime", "Storage", "WebSub",
            crypto,
            httpTypes, hummingbird, lifecycle, logging, nioCore, nioHTTP1,
            .product(name: "HummingbirdCore", package: "hummingbird"),
            .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
            .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
        ]),

    // Everything that operators and publishers do, for the commands, the API and the pages.
    module("Administration", ["AMQP", "Addresses", "Bulletins", "HTTPPost", "Intake", "Runtime", "Storage"]),

    // Composition, and the commands.
    module(
        "Worker",
        [
            "AMQP", "Addresses", "Bulletins", "DeliveryEngine", "Email", "Fanout", "Feeds", "HTTPPost", "Intake",
            "Observability", "Portal", "Receipts", "Runtime", "SMTP", "Storage", "StorageSQLite", "WebSub", "Webhooks",
            "Wording",
            lifecycle, logging, nioCore, nioPosix,
            .product(name: "Configuration", package: "swift-configuration"),
            .product(name: "SystemPackage", package: "swift-system"),
            .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            .product(name: "Yams", package: "Yams"),
        ]),
    .executableTarget(
        name: "kentongan",
        dependencies: [
            "AMQP", "Administration", "Bulletins", "Email", "HTTPPost", "Intake", "Observability", "Runtime", "Storage",
            "StorageSQLite", "Webhooks", "Worker", "Wording", httpTypes, hummingbird, logging, nioCore, nioPosix,
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ],
        swiftSettings: settings),
]

let testTargets: [Target] = [
    .target(name: "Golden", path: "Tests/Golden", swiftSettings: settings),
    .target(name: "TestCertificates", path: "Tests/TestCertificates", swiftSettings: settings),
    tests("AddressesTests", ["Addresses"]),
    tests("BulletinsTests", ["Bulletins"]),
    tests("AMQPTests", ["AMQP", logging]),
    tests("SMTPTests", ["SMTP", "TestCertificates", logging, nioCore, nioPosix, nioSSL, nioTLS]),
    tests(
        "HTTPPostTests",
        ["HTTPPost", "NIOSupport", "TestCertificates", logging, nioCore, nioHTTP1, nioPosix, nioSSL, nioTLS]),
    tests("ObservabilityTests", ["Bulletins", "Golden", "Observability"]),
    tests("RuntimeTests", ["Bulletins", "Runtime"]),
    tests("StorageTests", ["Bulletins", "Golden", "Storage"], hasGoldenFiles: true),
    tests(
        "StorageConformance",
        ["Bulletins", "DeliveryEngine", "Runtime", "Storage", "StorageSQLite", crypto, grdb, lifecycle, logging]),
    tests("IntakeTests", ["AMQP", "Bulletins", "Intake", "Observability", "Storage"]),
    tests("DeliveryEngineTests", ["Bulletins", "DeliveryEngine", "Runtime", "Storage"]),
    tests("ReceiptsTests", ["AMQP", "Bulletins", "Receipts", "Storage"]),
    tests("MarkupTests", ["Bulletins", "Markup"]),
    tests(
        "EmailTests",
        ["Bulletins", "DeliveryEngine", "Email", "Golden", "SMTP", "Storage", crypto, cryptoExtras, nioCore],
        hasGoldenFiles: true),
    tests(
        "WebhooksTests",
        [
            "Bulletins", "DeliveryEngine", "HTTPPost", "Storage", "Webhooks", crypto, logging, nioCore, nioHTTP1,
            nioPosix,
        ]
    ),
    tests(
        "FeedsTests", ["Bulletins", "Feeds", "Golden", "Runtime", "Storage", httpTypes, nioCore], hasGoldenFiles: true),
    tests("WebSubTests", ["Bulletins", "DeliveryEngine", "Feeds", "HTTPPost", "Storage", "WebSub", nioCore]),
    tests(
        "PortalTests",
        [
            "Bulletins", "Portal", "Storage", hummingbird, nioCore, nioHTTP1,
            .product(name: "NIOEmbedded", package: "swift-nio"),
        ]),
    tests(
        "AdministrationTests",
        ["AMQP", "Administration", "Bulletins", "HTTPPost", "Intake", "Runtime", "Storage", "StorageSQLite"]),
    tests(
        "WorkerTests",
        [
            "Bulletins", "DeliveryEngine", "Golden", "Runtime", "SMTP", "Storage", "StorageSQLite", "Worker", "Wording",
            lifecycle, logging,
        ]),
]

let benchmarks: [Target] = [
    benchmark("SMTPBenchmark", ["SMTP", logging, nioCore, nioPosix, nioSSL]),
    benchmark(
        "PostBenchmark",
        [
            "Bulletins", "DeliveryEngine", "HTTPPost", "Runtime", "Storage", "Webhooks", logging, nioCore, nioHTTP1,
            nioPosix,
        ]),
]

let package = Package(
    name: "kentongan",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "kentongan", targets: ["kentongan"])],
    dependencies: dependencies,
    targets: targets + testTargets + benchmarks)
