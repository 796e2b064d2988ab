package objstore

import _ "github.com/minio/minio-go/v7" // the fence: no other package of this project imports it
