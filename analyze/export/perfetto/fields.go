package perfetto

import "google.golang.org/protobuf/encoding/protowire"

// Numbers of fields, by message. All are of Perfetto's stable interface for TrackEvents
// that others write.
const (
	tracePacket protowire.Number = 1

	packetClockSnapshot     protowire.Number = 6
	packetTimestamp         protowire.Number = 8
	packetSequence          protowire.Number = 10
	packetTrackEvent        protowire.Number = 11
	packetInternedData      protowire.Number = 12
	packetSequenceFlags     protowire.Number = 13
	packetPreviousDropped   protowire.Number = 42
	packetTimestampClock    protowire.Number = 58
	packetDefaults          protowire.Number = 59
	packetTrackDescriptor   protowire.Number = 60
	packetFirstOnSequence   protowire.Number = 87
	defaultsTimestampClock  protowire.Number = 58
	defaultsTrackEvent      protowire.Number = 11
	eventDefaultsTrack      protowire.Number = 11
	snapshotClocks          protowire.Number = 1
	clockID                 protowire.Number = 1
	clockTimestamp          protowire.Number = 2
	clockIncremental        protowire.Number = 3
	eventCategoryIIDs       protowire.Number = 3
	eventAnnotations        protowire.Number = 4
	eventType               protowire.Number = 9
	eventNameIID            protowire.Number = 10
	eventTrack              protowire.Number = 11
	eventName               protowire.Number = 23
	eventCounterValue       protowire.Number = 30
	eventFlows              protowire.Number = 47
	eventEndingFlows        protowire.Number = 48
	annotationNameIID       protowire.Number = 1
	annotationBool          protowire.Number = 2
	annotationInt           protowire.Number = 4
	annotationString        protowire.Number = 6
	annotationStringIID     protowire.Number = 17
	internedCategories      protowire.Number = 1
	internedNames           protowire.Number = 2
	internedAnnotationNames protowire.Number = 3
	internedStrings         protowire.Number = 29
	internedIID             protowire.Number = 1 // of all entries of InternedData
	internedText            protowire.Number = 2
	descriptorUUID          protowire.Number = 1
	descriptorName          protowire.Number = 2
	descriptorProcess       protowire.Number = 3
	descriptorThread        protowire.Number = 4
	descriptorParent        protowire.Number = 5
	descriptorCounter       protowire.Number = 8
	descriptorChildOrdering protowire.Number = 11
	descriptorRank          protowire.Number = 12
	processPID              protowire.Number = 1
	processName             protowire.Number = 6
	threadPID               protowire.Number = 1
	threadTID               protowire.Number = 2
	threadName              protowire.Number = 5
	counterUnit             protowire.Number = 3
)

// Values of enumerations.
const (
	typeSliceBegin = 1
	typeSliceEnd   = 2
	typeInstant    = 3
	typeCounter    = 4

	stateCleared = 1 // nothing that was interned before counts any more
	needsState   = 2 // the packet refers to what was interned

	clockRealtime    = 1
	clockBoottime    = 6
	clockSteps       = 64 // of the sequence: each packet's time is after that of the one before
	clockOffset      = 65 // of the sequence: times count from the trace's first event
	orderingExplicit = 3
	unitCount        = 2
	unitBytes        = 3
)
